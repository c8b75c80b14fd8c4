// Theme, toasts, keys. Loaded in the head and not deferred, so that a dark page never flashes light.

const page = document.documentElement
const systemDark = matchMedia('(prefers-color-scheme: dark)')

// Light, dark, or (without a choice) as the system is.
function applyTheme() {
  const chosen = localStorage.getItem('zhike-theme') ?? 'system'
  page.dataset.themeChoice = chosen
  page.dataset.bsTheme = chosen === 'system' ? (systemDark.matches ? 'dark' : 'light') : chosen
  document.dispatchEvent(new CustomEvent('zhike:theme'))
}

function chooseTheme(choice) {
  if (choice === 'system') localStorage.removeItem('zhike-theme')
  else localStorage.setItem('zhike-theme', choice)
  applyTheme()
}

function applyFold() {
  const narrow = localStorage.getItem('zhike-nav') === 'narrow'
  page.classList.toggle('nav-narrow', narrow)
  document.querySelector('[data-narrow]')?.setAttribute('aria-pressed', narrow)
}

applyTheme()
applyFold()
systemDark.addEventListener('change', applyTheme)
addEventListener('storage', (event) => {
  if (event.key === 'zhike-theme') applyTheme()
  if (event.key === 'zhike-nav') applyFold()
})

// Toasts

function leaveSoon(toast) {
  // A failure stays until it is read; the rest goes once there was time to read it, and nobody is at its button.
  if (toast.dataset.tone === 'danger') return
  setTimeout(() => (toast.matches(':hover, :focus-within') ? leaveSoon(toast) : toast.remove()), 8000)
}

function showToast(templateId, { text, tone } = {}) {
  const toast = document.getElementById(templateId).content.firstElementChild.cloneNode(true)
  if (text) toast.querySelector('.toast-body').textContent = text
  if (tone === 'success') {
    toast.dataset.tone = tone
    toast.querySelector('use').setAttribute('href',
      toast.querySelector('use').getAttribute('href').replace(/#.*/, '#circle-check'))
    toast.querySelector('.toast-mark').className = 'toast-mark text-success'
  }
  document.getElementById('toasts').append(toast)
}

// Rows of a table by keyboard

function moveAlongRows(step) {
  const rows = [...document.querySelectorAll('tr[data-href]')]
  if (!rows.length) return
  const at = rows.indexOf(document.activeElement?.closest('tr[data-href]'))
  const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step
  rows[Math.max(0, Math.min(next, rows.length - 1))].focus()
}

// The parts of the shell listen; on a page without it nothing happens.
const ask = (what) => document.dispatchEvent(new CustomEvent(`zhike:${what}`))

const keys = {
  '/': () => ask('find'),
  '?': () => ask('keys'),
  j: () => moveAlongRows(1),
  k: () => moveAlongRows(-1),
  z: () => [...document.querySelectorAll('#toasts form button')].at(-1)?.click(),
}

// A person who speaks to the computer, or whose hand slips, switches single keys off (WCAG 2.1.4).
const singleKeys = () => localStorage.getItem('zhike-keys') !== 'off'
const GO_WITHIN = 1500
let goAsked = 0

// What a page adds: any element with data-key (one letter) is pressed by that letter.
function pageKey(letter) {
  return [...document.querySelectorAll('[data-key]')].find(
    (each) => each.dataset.key === letter && !each.disabled && !each.closest('[hidden], dialog:not([open])'))
}

function pressed(letter) {
  if (Date.now() - goAsked < GO_WITHIN) {
    goAsked = 0
    const link = document.querySelector(`[data-go="${CSS.escape(letter)}"]`)
    if (link) location.href = link.href
    return Boolean(link)
  }
  if (letter === 'g') {
    goAsked = Date.now()
    return true
  }
  const element = pageKey(letter)
  if (element) element.click()
  else keys[letter]?.()
  return Boolean(element ?? keys[letter])
}

function onKey(event) {
  if (event.isComposing || event.altKey || event.defaultPrevented) return
  const command = event.ctrlKey || event.metaKey
  if (command && event.key.toLowerCase() === 'k') {
    event.preventDefault()
    if (!document.querySelector('dialog[open]')) ask('find')
    return
  }
  if (command || document.querySelector('dialog[open]')) return
  if (event.target.closest('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]')) return
  if (event.key === 'Enter' && event.target.matches('tr[data-href]')) {
    location.href = event.target.dataset.href
  } else if (singleKeys() && event.key.length === 1 && pressed(event.key)) {
    event.preventDefault()
  }
}

function onClick(event) {
  const theme = event.target.closest('[data-theme]')
  if (theme) chooseTheme(theme.dataset.theme)
  if (event.target.closest('[data-narrow]')) {
    localStorage.setItem('zhike-nav', page.classList.contains('nav-narrow') ? 'wide' : 'narrow')
    applyFold()
  }
  const opener = event.target.closest('[data-open]')
  if (opener?.dataset.open === 'keys') ask('keys')
  else if (opener) {
    const dialog = document.getElementById(opener.dataset.open)
    dialog.showModal()
    // Left alone, the browser takes the first that can be reached, which closes the dialog again.
    if (!dialog.querySelector('[autofocus]')) dialog.querySelector('.dialog-body :is(input:not([type=hidden]), select, textarea)')?.focus()
  }
}

// Charts: the library is half a megabyte and comes only where a chart stands.

let chartsAsked = false

function askForCharts() {
  if (chartsAsked || !document.querySelector('[data-chart]')) return
  chartsAsked = true
  for (const src of [document.body.dataset.echarts, document.body.dataset.charts]) {
    const script = document.createElement('script')
    script.src = src
    script.async = false
    document.head.append(script)
  }
}

document.addEventListener('keydown', onKey)
document.addEventListener('click', onClick)
document.addEventListener('zhike:toast', (event) => {
  showToast('toast-any', event.detail)
})
document.addEventListener('htmx:after:swap', askForCharts)
document.addEventListener('htmx:error', (event) => {
  event.target.querySelector?.('.panel-waiting')?.classList.add('failed')
  showToast('toast-offline')
})
document.addEventListener('htmx:response:error', (event) => {
  event.target.querySelector?.('.panel-waiting')?.classList.add('failed')
})
document.addEventListener('DOMContentLoaded', () => {
  const toasts = document.getElementById('toasts')
  if (toasts) {
    for (const toast of toasts.children) leaveSoon(toast)
    new MutationObserver((changes) => {
      for (const change of changes) {
        for (const node of change.addedNodes) if (node.nodeType === Node.ELEMENT_NODE) leaveSoon(node)
      }
    }).observe(toasts, { childList: true })
  }
  askForCharts()
  applyFold()
})
