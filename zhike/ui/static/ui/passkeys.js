// Passkeys (WebAuthn). Its bytes go over the wire as base64url; the conversions are ours, for the browsers of banks
// are older than the standard's own.

const bytesOf = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (letter) => letter.charCodeAt(0))
const textOf = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '')
const SENT = ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']

// What the person's device answers to the server's question, as JSON; rejects when they decline or have none.
async function passkeyAnswer(options) {
  const publicKey = { ...options, challenge: bytesOf(options.challenge) }
  if (options.user) publicKey.user = { ...options.user, id: bytesOf(options.user.id) }
  for (const list of ['allowCredentials', 'excludeCredentials']) {
    if (options[list]) publicKey[list] = options[list].map((each) => ({ ...each, id: bytesOf(each.id) }))
  }
  const way = options.user ? 'create' : 'get'
  const made = await navigator.credentials[way]({ publicKey })
  const response = {}
  for (const name of SENT) if (made.response[name]) response[name] = textOf(made.response[name])
  if (made.response.getTransports) response.transports = made.response.getTransports()
  return JSON.stringify({ id: made.id, rawId: made.id, type: made.type, response, clientExtensionResults: {} })
}

// A form that carries the question in data-passkey: asked at a click, at once when it says so, and sent with the answer.
function askOn(form) {
  const wrong = form.querySelector('[data-passkey-failed]')
  const ask = async () => {
    wrong.hidden = true
    try {
      form.elements.passkey.value = await passkeyAnswer(JSON.parse(form.dataset.passkey))
    } catch {
      wrong.hidden = false
      return
    }
    form.submit()
  }
  form.querySelector('[data-passkey-ask]').addEventListener('click', ask)
  if ('passkeyNow' in form.dataset) ask()
}

document.addEventListener('DOMContentLoaded', () => document.querySelectorAll('form[data-passkey]').forEach(askOn))
