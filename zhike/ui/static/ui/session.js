// A session that ends politely: a warning before, a sign-in over the page after, and nothing typed is lost.

const { session, signIn, idle, reader, kept } = document.body.dataset
const IDLE = Number(idle) * 1000
const WARNING = 120_000
const SLACK = 60_000 // the server moves the end on once a minute
const CHECK = 15_000
const activity = 'zhike-seen'

// The time of the last request a person made, in whichever tab; never what it was about.
const seen = () => Number(localStorage.getItem(activity) ?? 0)
const noteSeen = () => localStorage.setItem(activity, Date.now())

let warned = null

async function stay() {
  const answer = await fetchSignedIn(session, { method: 'POST', headers: { 'HX-Request': 'true', 'X-CSRFToken': token() } })
  if (answer.ok) noteSeen()
}

function warn() {
  showToast('toast-idle')
  warned = document.getElementById('toasts').lastElementChild
  warned.dataset.tone = 'danger' // stays until it is answered
  const button = document.getElementById('toast-idle-button').content.firstElementChild.cloneNode(true)
  button.addEventListener('click', () => {
    unwarn()
    stay()
  })
  warned.querySelector('.toast-body').append(document.createElement('br'), button)
}

function unwarn() {
  warned?.remove()
  warned = null
}

async function watch() {
  const left = seen() + IDLE - SLACK - Date.now()
  if (left > WARNING) unwarn()
  else if (left > 0) {
    if (!warned) warn()
  } else if (!dialog.open) {
    const answer = await fetch(session, { headers: { 'HX-Request': 'true', 'X-Zhike-Unasked': '1' } })
    if (answer.status === 401) askAgain()
    else if (answer.ok) noteSeen()
  }
}

// Signing in over the page

const dialog = document.getElementById('signed-out')
const token = () => JSON.parse(document.body.getAttribute('hx-headers:inherited'))['X-CSRFToken']
let asking = null

function useToken(fresh) {
  document.body.setAttribute('hx-headers:inherited', JSON.stringify({ 'X-CSRFToken': fresh }))
  for (const input of document.querySelectorAll('[name=csrfmiddlewaretoken]')) input.value = fresh
}

// Shows one step of a dialog, emptied, and answers nothing of the others.
function showStep(form, name) {
  for (const step of form.querySelectorAll('[data-step]')) {
    step.hidden = step.disabled = step.dataset.step !== name
    // A way out of the site leads there only while it is offered.
    for (const way of step.querySelectorAll('[data-leads]')) way.href = way.dataset.leads
    for (const input of step.elements) if (input.type === 'password' || name === 'code') input.value = ''
  }
  const inputs = [...form.querySelectorAll('fieldset:enabled input')]
  const first = inputs.find((input) => !input.value) ?? inputs[0]
  first?.focus()
}

// Answers when the same person is signed in again; another person gets a page of their own.
function askAgain() {
  asking ??= new Promise((signedIn) => {
    unwarn()
    dialog.showModal()
    showStep(dialog.querySelector('form'), 'password')
    dialog.addEventListener('cancel', (event) => event.preventDefault())
    dialog.querySelector('form').onsubmit = async (event) => {
      event.preventDefault()
      const form = event.target
      const wrong = form.querySelector('[role=alert]')
      wrong.hidden = true
      const sent = new FormData(form)
      const step = sent.has('code') ? 'code' : 'password'
      showStep(form, step)
      sent.set('csrfmiddlewaretoken', (await freshToken()) ?? token())
      const address = step === 'code' ? dialog.dataset.second : signIn
      await settle(await fetch(address, { method: 'POST', body: sent, redirect: 'manual' }), step)
    }
    const byPasskey = dialog.querySelector('[data-passkey-by]')
    if (byPasskey) byPasskey.onclick = async () => {
      const wrong = dialog.querySelector('[role=alert]')
      wrong.hidden = true
      const { passkeyBy } = byPasskey.dataset
      const sent = await answered(passkeyBy)
      if (!sent) {
        wrong.hidden = false
        return
      }
      sent.set('csrfmiddlewaretoken', (await freshToken()) ?? token())
      await settle(await fetch(passkeyBy, { method: 'POST', body: sent, redirect: 'manual' }), 'passkey')
    }
    async function settle(answer, step) {
      const form = dialog.querySelector('form')
      const wrong = form.querySelector('[role=alert]')
      if (answer.type !== 'opaqueredirect') {
        wrong.hidden = false
        return
      }
      const found = await fetch(session, { headers: { 'HX-Request': 'true' } })
      if (found.status === 401) {
        // The password was right and the second factor is asked for, or its time is over.
        showStep(form, step === 'password' && dialog.dataset.second ? 'code' : 'password')
        return
      }
      const now = await found.json()
      if (now.reader !== reader) {
        location.assign('/')
        return
      }
      useToken(now.token)
      noteSeen()
      asking = null
      dialog.close()
      signedIn()
    }
  })
  return asking
}

async function freshToken() {
  const text = await (await fetch(signIn)).text()
  return new DOMParser().parseFromString(text, 'text/html').querySelector('[name=csrfmiddlewaretoken]')?.value
}

// What asks for a proof that it is still the same person: shown over the page, which keeps what was typed.

const prove = document.getElementById('prove')
let proving = null

function askProof(by) {
  proving ??= new Promise((settled) => {
    const form = prove.querySelector('form')
    const wrong = form.querySelector('[role=alert]')
    wrong.hidden = true
    prove.returnValue = ''
    prove.showModal()
    const [first, ...more] = by.split(' ')
    const byPasskey = prove.querySelector('[data-passkey-by]')
    byPasskey.hidden = first !== 'passkey' && !more.includes('passkey')
    form.querySelector('[type=submit]').hidden = first === 'passkey'
    showStep(form, first)
    if (first === 'passkey') byPasskey.focus()
    prove.onclose = () => {
      proving = null
      showStep(form, first)
      settled(prove.returnValue === 'proved')
    }
    byPasskey.onclick = async () => {
      const sent = await answered(prove.dataset.prove)
      if (sent) return send(sent)
      wrong.lastElementChild.textContent = prove.dataset.declined
      wrong.hidden = false
    }
    form.onsubmit = (event) => {
      event.preventDefault()
      return send(new URLSearchParams(new FormData(form)))
    }
    async function send(body) {
      showStep(form, first)
      const answer = await fetchSignedIn(prove.dataset.prove, { method: 'POST', headers: { 'HX-Request': 'true', 'X-CSRFToken': token() }, body })
      if (answer.ok) {
        prove.close('proved')
        return
      }
      wrong.lastElementChild.textContent = await answer.text()
      wrong.hidden = false
    }
  })
  return proving
}

// The form of an answer by passkey to what the address asks; null when the person declined or there is none.
async function answered(address) {
  try {
    const asked = await fetch(address, { headers: { 'HX-Request': 'true' } })
    return new URLSearchParams({ passkey: await passkeyAnswer(await asked.json()) })
  } catch {
    return null
  }
}

async function fetchSignedIn(address, request) {
  const answer = await fetch(address, request)
  const by = answer.headers.get('X-Zhike-Proof')
  if (by && !(await askProof(by))) return answer
  if (!by && answer.status !== 401) return answer
  if (!by) await askAgain()
  request.headers['X-CSRFToken'] = token()
  if (request.body instanceof URLSearchParams && request.body.has('csrfmiddlewaretoken')) request.body.set('csrfmiddlewaretoken', token())
  delete request.signal // the wait for the password is not the server's
  return fetch(address, request)
}

// A form that was sent after the end: kept by the server, filled in again, sent by the person alone.

const pathOf = (address) => new URL(address, location.href).pathname

function fill(form, fields) {
  const values = new Map()
  for (const [name, value] of fields) values.set(name, [...(values.get(name) ?? []), value])
  const missing = []
  for (const [name, typed] of values) {
    const inputs = [...form.elements].filter((each) => each.name === name && each.type !== 'submit')
    if (!inputs.length) missing.push(...typed)
    inputs.forEach((input, at) => {
      if (input.type === 'checkbox' || input.type === 'radio') input.checked = typed.includes(input.value)
      else if (input.type === 'select-multiple') for (const each of input.options) each.selected = typed.includes(each.value)
      else if (input.type !== 'hidden') input.value = typed[at] ?? ''
      input.dispatchEvent(new Event('change', { bubbles: true }))
    })
  }
  return missing
}

async function bringBack() {
  const answer = await fetch(kept, { method: 'POST', headers: { 'HX-Request': 'true', 'X-CSRFToken': token() } })
  if (answer.status !== 200) return
  const { action, fields } = await answer.json()
  const form = [...document.querySelectorAll('main form[method=post]')].find((each) => pathOf(each.getAttribute('action') || '') === action)
  if (form) {
    fill(form, fields)
    for (let outer = form.closest('details'); outer; outer = outer.parentElement.closest('details')) outer.open = true
    form.scrollIntoView({ block: 'center' })
    showToast('toast-kept')
    document.getElementById('toasts').lastElementChild.dataset.tone = 'danger'
    return
  }
  showToast('toast-kept-elsewhere')
  const body = document.getElementById('toasts').lastElementChild.querySelector('.toast-body')
  for (const [, value] of fields) {
    if (value) body.append(Object.assign(document.createElement('pre'), { textContent: value }))
  }
}

if (session) {
  noteSeen()
  setInterval(watch, CHECK)
  document.addEventListener('visibilitychange', watch)
  document.addEventListener('htmx:before:request', ({ detail: { ctx } }) => {
    ctx.fetch = (address, request) => {
      clearTimeout(ctx.requestTimeout)
      return fetchSignedIn(address, request)
    }
    // What the page asks by itself does not say that somebody is there.
    const unasked = /^(notices-changed|zhike:)/.test(ctx.sourceEvent?.type ?? '')
    if (unasked) ctx.request.headers['X-Zhike-Unasked'] = '1'
    else noteSeen()
  })
  document.addEventListener('zhike:signed-out', watch)
  if (kept) bringBack()
}
