// Panels of a page: fold, try again, arrange (by dragging or by keys), and what opens at its place.

(() => {
  const own = document.currentScript
  const panels = () => document.querySelector('.panels[data-page]')
  const frames = () => [...panels().querySelectorAll('.page-panel')]

  // Where everything stands, kept for this person.

  function keep(more = {}) {
    const form = new URLSearchParams(more)
    for (const frame of frames()) {
      const id = frame.dataset.panel
      form.append('panel', id)
      if (frame.closest('[data-column]').dataset.column === 'side') form.append('side', id)
      if (frame.hidden) form.append('hidden', id)
      if (frame.classList.contains('is-closed')) form.append('closed', id)
    }
    const headers = JSON.parse(document.body.getAttribute('hx-headers:inherited'))
    return fetch(panels().dataset.page, { method: 'POST', body: form, headers, keepalive: true })
  }

  function fetchNow(frame) {
    frame.dispatchEvent(new CustomEvent('fetch'))
  }

  function fold(button) {
    const frame = button.closest('.page-panel')
    const closed = frame.classList.toggle('is-closed')
    button.setAttribute('aria-expanded', String(!closed))
    if (!closed && frame.querySelector('.panel-waiting')) fetchNow(frame)
    if (document.getElementById('arrange-bar')) keep()
  }

  // Paper

  const waits = (what) => frames().filter((frame) => !frame.hidden && frame.querySelector(what))
  const EMPTY = '.panel-waiting:not(.failed)'
  const UNDRAWN = '[data-chart]:not(:has(canvas, svg))'
  const moment = () => new Promise((then) => setTimeout(then, 50))

  // What waits to be seen is fetched first; for a chart, which may not come, paper waits some seconds.
  async function printWhole() {
    for (const frame of waits(EMPTY)) fetchNow(frame)
    while (waits(EMPTY).length > 0) await moment()
    const late = performance.now() + 4000
    while (waits(UNDRAWN).length > 0 && performance.now() < late) await moment()
    print()
  }

  // Arranging

  let sortables = []

  function script(src) {
    return new Promise((done) => {
      if (window.Sortable) return done()
      const element = document.createElement('script')
      element.src = src
      element.onload = done
      document.head.append(element)
    })
  }

  function addTools() {
    const tools = document.getElementById('arrange-tools')
    for (const frame of frames()) {
      if (frame.querySelector('.arrange-tools')) continue
      const made = tools.content.cloneNode(true)
      made.querySelector('[data-move="hide"]').setAttribute('aria-pressed', String(frame.hidden))
      frame.querySelector('.card-header').append(made)
    }
  }

  async function arrange() {
    const bar = document.getElementById('arrange-bar')
    if (!bar) return
    bar.hidden = false
    panels().classList.add('arranging')
    addTools()
    bar.scrollIntoView({ block: 'nearest' })
    bar.querySelector('[data-arrange-done]').focus()
    await script(own.dataset.sortable)
    sortables = [...panels().querySelectorAll('.panels-column')].map((column) => (
      new Sortable(column, { group: 'panels', handle: '.card-header', filter: 'button', preventOnFilter: false,
        animation: 120, onEnd: (event) => said(event.item) })
    ))
  }

  function said(frame) {
    const column = frame.closest('[data-column]')
    const place = [...column.children].indexOf(frame) + 1
    const title = frame.querySelector('.card-title').textContent
    document.getElementById('arrange-said').textContent = `${title} ${place}/${column.children.length}`
  }

  function move(button) {
    const frame = button.closest('.page-panel')
    const column = frame.closest('[data-column]')
    switch (button.dataset.move) {
      case 'up': frame.previousElementSibling?.before(frame); break
      case 'down': frame.nextElementSibling?.after(frame); break
      case 'across': [...panels().children].find((other) => other !== column)?.prepend(frame); break
      case 'hide':
        frame.hidden = !frame.hidden
        button.setAttribute('aria-pressed', String(frame.hidden))
    }
    button.focus()
    said(frame)
  }

  async function arranged(reset) {
    for (const sortable of sortables) sortable.destroy()
    await keep(reset ? { reset: '1' } : {})
    location.reload()
  }

  // What is edited at its place

  function editAt(fact) {
    fact?.querySelector('[data-edit]')?.click()
  }

  function closeEdit(form) {
    const frame = form.closest('.page-panel')
    frame.dataset.back = form.closest('[data-fact]')?.dataset.fact ?? ''
    fetchNow(frame)
  }

  // Where the person wants to be: panels above it are filled on the way and would push it out of sight.

  let goal = null

  function goTo(id) {
    goal = id
    document.getElementById(id)?.scrollIntoView({ block: 'start' })
  }

  for (const own of ['wheel', 'touchmove', 'keydown', 'pointerdown']) {
    addEventListener(own, () => { goal = null }, { passive: true })
  }

  if (location.hash.startsWith('#panel-')) goTo(location.hash.slice(1))

  document.addEventListener('click', (event) => {
    const at = (selector) => event.target.closest(selector)
    if (at('[data-fold]')) fold(at('[data-fold]'))
    else if (at('[data-fetch]')) fetchNow(at('.page-panel'))
    else if (at('[data-arrange]')) arrange()
    else if (at('[data-move]')) move(at('[data-move]'))
    else if (at('[data-arrange-done]')) arranged(false)
    else if (at('[data-arrange-reset]')) arranged(true)
    else if (at('[data-edit-cancel]')) closeEdit(at('[data-edit-cancel]'))
    else if (at('dialog [data-close]')) at('dialog').close()
    else if (at('[data-copy]')) navigator.clipboard.writeText(at('[data-copy]').dataset.copy)
    else if (at('[data-goto]')) {
      const frame = document.getElementById(at('[data-goto]').dataset.goto)
      if (frame?.classList.contains('is-closed')) fold(frame.querySelector('[data-fold]'))
      if (frame) goTo(frame.id)
    }
  })

  document.addEventListener('dblclick', (event) => {
    if (!event.target.closest('a, button, input, textarea, select, form')) {
      editAt(event.target.closest('[data-fact]'))
    }
  })

  document.addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === 'p' && panels() && waits(`${EMPTY}, ${UNDRAWN}`).length > 0) {
      event.preventDefault()
      printWhole()
    }
    if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return
    const typing = event.target.closest('input, textarea, select, [contenteditable]')
    if (event.key === 'Escape' && event.target.closest('[data-fact] form')) {
      event.preventDefault()
      closeEdit(event.target)
    }
    if (typing || document.querySelector('dialog[open]')) return
    if (event.key === 'e') {
      const focused = document.activeElement.closest('[data-fact]')
      const fact = focused ?? document.querySelector('[data-fact]:hover') ?? document.querySelector('[data-fact]:has([data-edit])')
      if (fact) {
        event.preventDefault()
        if (focused || fact.matches(':hover')) editAt(fact)
        else fact.querySelector('[data-edit]').focus()
      }
    }
  })

  // A form in a dialog that was taken closes it; a field that was saved gives the focus back to its pencil.

  document.addEventListener('htmx:after:request', (event) => {
    const form = event.target.closest?.('form')
    const status = event.detail?.ctx?.response?.status
    if (!form || status !== 204) return
    form.closest('dialog')?.close()
    if (form.closest('dialog')) form.reset()
    const fact = form.closest('[data-fact]')
    if (fact) fact.closest('.page-panel').dataset.back = fact.dataset.fact
  })
  document.addEventListener('htmx:before:swap', ({ target, detail: { ctx } }) => {
    const back = target.closest?.('.page-panel[data-back]')
    if (back) sessionStorage.setItem('zhike-back', back.dataset.back)
    if (!target.matches?.('.page-panel')) return
    const focus = target.contains(document.activeElement) ? named(document.activeElement) : undefined
    ctx.stood = { id: target.id, hidden: target.hidden, closed: target.classList.contains('is-closed'), focus }
  })

  // What a panel's frame is worked with: whoever stood on one of these when the panel came, stands there still.
  const named = ({ dataset }) => ('fold' in dataset ? '[data-fold]' : dataset.move && `[data-move="${dataset.move}"]`)

  // The server fills a panel and does not know whether it was hidden or closed here meanwhile.
  function standsAsBefore({ id, hidden, closed, focus }) {
    const frame = document.getElementById(id)
    if (!frame) return
    frame.hidden = hidden
    frame.classList.toggle('is-closed', closed)
    frame.querySelector('[data-fold]').setAttribute('aria-expanded', String(!closed))
    if (panels()?.classList.contains('arranging')) addTools()
    if (focus) frame.querySelector(focus)?.focus()
  }

  document.addEventListener('htmx:after:swap', ({ detail: { ctx } }) => {
    if (ctx.stood) standsAsBefore(ctx.stood)
    if (goal) goTo(goal)
    for (const form of document.querySelectorAll('[data-fact] form')) form.closest('[data-fact]').classList.add('is-edited')
    const name = sessionStorage.getItem('zhike-back')
    sessionStorage.removeItem('zhike-back')
    if (name) document.querySelector(`[data-fact="${CSS.escape(name)}"] [data-edit]`)?.focus()
    else document.querySelector('[data-fact] form :is(input, select, textarea):not([type=hidden])')?.focus()
  })
  // What is asked for beside a sealed value takes the whole line.
  document.addEventListener('toggle', ({ target }) => {
    const tools = target.closest?.('.sealed-tools')
    tools?.classList.toggle('is-open', Boolean(tools.querySelector('[open]')))
  }, true)
  document.addEventListener('change', (event) => {
    if (event.target.matches('[data-go]')) location.search = event.target.value ? `?as_of=${event.target.value}` : ''
  })

  // The head is small once the page was scrolled past it.

  const edge = document.getElementById('head-edge')
  if (edge) {
    new IntersectionObserver(([seen]) => {
      document.documentElement.classList.toggle('past-head', !seen.isIntersecting)
    }, { rootMargin: '-64px 0px 0px 0px' }).observe(edge)
  }
})()
