// Theme, toasts, keys. Loaded in the head and not deferred, so that a dark page never flashes light.

const page = document.documentElement
const systemDark = matchMedia('(prefers-color-scheme: dark)')

function theme() {
  return localStorage.getItem('zhike-theme') ?? (systemDark.matches ? 'dark' : 'light')
}

function applyTheme() {
  page.dataset.bsTheme = theme()
  document.dispatchEvent(new CustomEvent('zhike:theme'))
}

applyTheme()
systemDark.addEventListener('change', applyTheme)
addEventListener('storage', (event) => event.key === 'zhike-theme' && applyTheme())

// Toasts

function leaveSoon(toast) {
  // A failure stays until it is read; the rest goes once there was time to read it.
  if (toast.dataset.tone !== 'danger') setTimeout(() => toast.remove(), 8000)
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

const keys = {
  '/': () => document.querySelector('[data-search]')?.focus(),
  '?': () => document.getElementById('keys')?.showModal(),
  j: () => moveAlongRows(1),
  k: () => moveAlongRows(-1),
}

function onKey(event) {
  if (event.isComposing || event.altKey) return
  const command = event.ctrlKey || event.metaKey
  if (command && event.key === 'k') {
    event.preventDefault()
    keys['/']()
    return
  }
  if (command || document.querySelector('dialog[open]')) return
  if (event.target.closest('input, textarea, select, [contenteditable]')) return
  if (event.key === 'Enter' && event.target.matches('tr[data-href]')) {
    location.href = event.target.dataset.href
  } else if (keys[event.key]) {
    event.preventDefault()
    keys[event.key]()
  }
}

function onClick(event) {
  if (event.target.closest('[data-theme-switch]')) {
    localStorage.setItem('zhike-theme', theme() === 'dark' ? 'light' : 'dark')
    applyTheme()
  }
  const opener = event.target.closest('[data-open]')
  if (opener) document.getElementById(opener.dataset.open).showModal()
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
})
