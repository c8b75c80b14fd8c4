// The shell: the one search box, the commands of a page, the sheet of keys, the events as they happen.

// Commands: every element with data-command can be asked for by name; it is pressed when it is chosen.

function pageCommands() {
  const seen = new Set()
  return [...document.querySelectorAll('[data-command]')].filter((element) => {
    const label = commandLabel(element)
    const usable = label && !seen.has(label) && !element.disabled && !element.closest('[hidden], dialog')
    seen.add(label)
    return usable
  })
}

const commandLabel = (element) => (element.dataset.command || element.textContent).trim().replace(/\s+/g, ' ')

// The search box

const finder = document.getElementById('finder')
const finderInput = finder?.querySelector('[data-search]')
const foundBox = document.getElementById('found-box')
const found = document.getElementById('found')
const onPhone = matchMedia('(max-width: 767.98px)')
let offered = []
let beforeFinder = null
let entered = false

const options = () => [...found.querySelectorAll('[role=option]')]
const chosen = () => found.querySelector('[aria-selected=true]')
const commandsAlone = () => finderInput.value.trimStart().startsWith('>') || 'nowhere' in finder.dataset

function openFinder() {
  if (!finder) return
  if (document.activeElement !== finderInput) beforeFinder = document.activeElement
  finder.classList.add('open')
  finderInput.focus()
  showFound()
}

function showFound() {
  if (!foundBox.hidden) return
  foundBox.hidden = false
  finder.classList.add('open')
  finderInput.setAttribute('aria-expanded', 'true')
  setRest(onPhone.matches)
  const main = document.getElementById('main')
  const [here, around] = [true, false].map((inside) => pageCommands().filter((each) => main.contains(each) === inside))
  offered = [...here, ...around]
  finder.elements.here.value = JSON.stringify(here.map(commandLabel))
  finder.elements.around.value = JSON.stringify(around.map(commandLabel))
  finderInput.dispatchEvent(new CustomEvent('find', { bubbles: true }))
}

// On a phone the box is the whole screen, and nothing behind it can be reached.
function setRest(inert) {
  for (const part of document.querySelectorAll('#sidebar, #main, .topbar-end, .thumbs, .small-print')) part.inert = inert
}

function closeFinder({ back = false } = {}) {
  if (!finder || foundBox.hidden) return
  entered = false
  foundBox.hidden = true
  finder.classList.remove('open')
  setRest(false)
  finderInput.value = ''
  finderInput.setAttribute('aria-expanded', 'false')
  finderInput.removeAttribute('aria-activedescendant')
  found.replaceChildren()
  finderInput.dispatchEvent(new CustomEvent('htmx:abort'))
  if (back) (beforeFinder?.isConnected ? beforeFinder : finderInput).focus()
  if (back) finderInput.blur()
}

function choose(option) {
  chosen()?.setAttribute('aria-selected', 'false')
  if (!option) {
    finderInput.removeAttribute('aria-activedescendant')
    return
  }
  option.setAttribute('aria-selected', 'true')
  option.scrollIntoView({ block: 'nearest' })
  finderInput.setAttribute('aria-activedescendant', option.id)
}

function move(step) {
  const all = options()
  if (!all.length) return
  const at = all.indexOf(chosen())
  choose(all[(at + step + all.length) % all.length] ?? all[0])
}

function follow(option, event) {
  if (option.dataset.run === undefined) {
    if (event.ctrlKey || event.metaKey) window.open(option.href)
    else location.assign(option.href)
    return
  }
  const element = offered[Number(option.dataset.run)]
  closeFinder({ back: true })
  element?.click()
}

function onFinderKey(event) {
  if (event.isComposing) return
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault()
    if (foundBox.hidden) showFound()
    else move(event.key === 'ArrowDown' ? 1 : -1)
  } else if (event.key === 'Escape') {
    event.preventDefault()
    closeFinder({ back: true })
  } else if (event.key === 'Enter' && chosen()) {
    event.preventDefault()
    follow(chosen(), event)
  }
}

if (finder) {
  finderInput.addEventListener('focus', showFound)
  finderInput.addEventListener('click', showFound)
  finderInput.addEventListener('input', () => {
    entered = false
    finderInput.dispatchEvent(new CustomEvent('htmx:abort')) // what is shown or asked answers what stood here before
    choose(null)
    showFound()
  })
  finder.addEventListener('keydown', onFinderKey)
  finder.addEventListener('submit', (event) => {
    // Commands are no customers to search for: who is quicker than their list gets the first of it once it is here.
    entered = commandsAlone() && finderInput.value.trim() !== ''
    if (entered || !finderInput.value.trim()) event.preventDefault()
  })
  finder.querySelector('.finder-close').addEventListener('click', () => closeFinder({ back: true }))
  document.querySelector('[data-find]').addEventListener('click', openFinder)
  document.addEventListener('zhike:find', openFinder)
  document.addEventListener('pointerdown', (event) => finder.contains(event.target) || closeFinder())
  finder.addEventListener('focusout', (event) => {
    if (event.relatedTarget && !finder.contains(event.relatedTarget)) closeFinder()
  })
  found.addEventListener('pointerdown', (event) => event.preventDefault())
  found.addEventListener('click', (event) => {
    const option = event.target.closest('[data-run]')
    if (!option) return
    event.preventDefault()
    follow(option, event)
  })
  found.addEventListener('pointermove', (event) => {
    const option = event.target.closest('[role=option]')
    if (option && option !== chosen()) choose(option)
  })
  document.addEventListener('htmx:after:swap', ({ detail: { ctx } }) => {
    if (foundBox.hidden || ctx.target !== found) return
    // Enter without a choice asks for all customers found; a command is chosen at once.
    const first = options()[0]
    choose(first && finderInput.value.trim() && commandsAlone() ? first : null)
    if (entered && chosen()) return follow(chosen(), {})
    const status = document.getElementById('found-status')
    status.textContent = `${options().length} ${status.dataset.count}`
  })
}

// The sheet of keys: the table of the server, and what this page adds.

function openKeys() {
  const sheet = document.getElementById('keys')
  const here = document.getElementById('keys-here')
  const added = [...document.querySelectorAll('[data-key]')].filter((each) => !each.closest('[hidden]'))
  here.hidden = !added.length
  here.replaceChildren(...added.flatMap((element) => {
    const key = document.createElement('dt')
    key.className = 'single'
    key.append(Object.assign(document.createElement('kbd'), { textContent: element.dataset.key }))
    const label = Object.assign(document.createElement('dd'), { textContent: commandLabel(element) })
    return [key, label]
  }))
  sheet.querySelector('[data-single-keys]').checked = singleKeys()
  sheet.classList.toggle('no-single', !singleKeys())
  sheet.showModal()
}

document.addEventListener('zhike:keys', openKeys)
document.querySelector('[data-single-keys]')?.addEventListener('change', (event) => {
  if (event.target.checked) localStorage.removeItem('zhike-keys')
  else localStorage.setItem('zhike-keys', 'off')
  document.getElementById('keys').classList.toggle('no-single', !event.target.checked)
})

// Events: one tab of the browser holds the stream and tells the others; without it, all ask once a minute.

const POLL = 60_000
const { stream } = document.body.dataset
const bell = document.querySelector('[data-bell]')
const tabs = new BroadcastChannel('zhike-events')
let streaming = false

function heard(name, data) {
  if (name === 'notices') {
    showUnread(data.unread)
    document.body.dispatchEvent(new CustomEvent('notices-changed', { bubbles: true }))
  }
  if (name === 'alive') streaming = true
  document.body.dispatchEvent(new CustomEvent(`zhike:${name}`, { bubbles: true, detail: data }))
}

function showUnread(unread) {
  const count = document.getElementById('unread')
  if (!count) return
  const before = Number(count.firstChild.textContent)
  count.firstChild.textContent = unread > 99 ? '99+' : unread
  count.hidden = !unread
  if (unread > before && document.visibilityState === 'visible') showToast('toast-notice')
}

function tell(name, data) {
  tabs.postMessage({ name, data })
  heard(name, data)
}

function openStream() {
  // Settles only when the server sends us away, so that the lock is held as long as the stream.
  return new Promise((settle) => {
    const source = new EventSource(stream, { withCredentials: true })
    source.onopen = () => tell('alive', {})
    source.onerror = () => {
      streaming = false
      if (source.readyState === EventSource.CLOSED) settle()
    }
    for (const name of ['notices', 'signed-out', 'job']) {
      source.addEventListener(name, (event) => tell(name, JSON.parse(event.data)))
    }
    addEventListener('pagehide', () => source.close())
  })
}

tabs.onmessage = ({ data }) => heard(data.name, data.data)

async function poll() {
  if (streaming || document.visibilityState !== 'visible' || !bell) return
  const answer = await fetch(bell.dataset.bell, { headers: { 'HX-Request': 'true', 'X-Zhike-Unasked': '1' } })
  if (answer.ok) heard('notices', await answer.json())
}

if (bell) {
  if (stream) navigator.locks ? navigator.locks.request('zhike-events', openStream) : openStream()
  setInterval(poll, POLL)
}
