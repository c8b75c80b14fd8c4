// Lists: what is selected, columns moved, cells edited in place, the drawer beside the rows, groups opened.

(() => {
  const list = () => document.getElementById('rows')

  // What is selected lives as long as the tab: pages of the list come and go.

  const place = () => `zhike-ticks ${location.pathname}`
  const ticked = () => new Set(JSON.parse(sessionStorage.getItem(place()) ?? '[]'))
  let all = false
  let lastTick = null

  function keep(ids) {
    sessionStorage.setItem(place(), JSON.stringify([...ids]))
    drawTicks()
  }

  function drawTicks() {
    const boxes = [...document.querySelectorAll('#rows [data-tick]')]
    const ids = ticked()
    for (const box of boxes) {
      box.checked = all || ids.has(box.value)
      box.closest('tr').classList.toggle('ticked', box.checked)
    }
    const page = document.querySelector('#rows [data-tick-page]')
    if (page) {
      const on = boxes.filter((box) => box.checked).length
      page.checked = on > 0 && on === boxes.length
      page.indeterminate = on > 0 && on < boxes.length
    }
    const bar = document.querySelector('[data-bulk]')
    if (!bar) return
    bar.hidden = !all && !ids.size
    const words = bar.querySelector('.bulk-count')
    words.textContent = all ? words.dataset.allWords : words.dataset.words.replace('{n}', ids.size.toLocaleString())
    bar.querySelector('[data-tick-all]')?.toggleAttribute('hidden', all)
  }

  function tick(box, on, range) {
    const ids = all ? new Set() : ticked()
    all = false
    const boxes = [...document.querySelectorAll('#rows [data-tick]')]
    const from = range && lastTick ? boxes.findIndex((each) => each.value === lastTick) : -1
    const at = boxes.indexOf(box)
    const touched = from < 0 ? [box] : boxes.slice(Math.min(from, at), Math.max(from, at) + 1)
    for (const each of touched) on ? ids.add(each.value) : ids.delete(each.value)
    lastTick = box.value
    keep(ids)
  }

  function tickPage(on) {
    all = false
    const ids = ticked()
    for (const box of document.querySelectorAll('#rows [data-tick]')) on ? ids.add(box.value) : ids.delete(box.value)
    keep(ids)
  }

  function tickNone() {
    all = false
    keep(new Set())
  }

  function name(form) {
    form.elements.all.value = all ? '1' : ''
    form.elements.ids.value = all ? '' : [...ticked()].join(',')
  }

  function act(action) {
    const form = document.querySelector('[data-bulk-form]')
    form.elements.action.value = action
    name(form)
    form.requestSubmit()
  }

  // Columns

  let sortable = null

  function loadSortable() {
    const items = document.querySelector('#columns [data-sortable]')
    const board = document.querySelector('#rows [data-board][data-sortable]')
    if (!items && !board) return
    sortable ??= new Promise((ready) => {
      if (window.Sortable) return ready()
      const script = document.createElement('script')
      script.src = (items ?? board).dataset.sortable
      script.onload = ready
      document.head.append(script)
    })
    sortable.then(() => {
      const known = window.Sortable
      if (items) known.get(items) ?? new known(items, { handle: '[data-grip]', animation: 120 })
      for (const cards of board?.querySelectorAll('[data-cards]') ?? []) {
        // Where a card stands within its column is the list's order, not the hand's.
        known.get(cards) ?? new known(cards, { group: 'cards', sort: false, animation: 120, filter: 'a, button, summary', preventOnFilter: false, onEnd: dropped })
      }
    })
  }

  // Cards of a board

  let moved = null

  function dropped({ item, from, to, oldIndex }) {
    if (from !== to) move(item, to.closest('[data-column]').dataset.column, () => from.insertBefore(item, from.children[oldIndex] ?? null))
  }

  async function move(card, column, back = () => {}) {
    moved = null
    const url = card.closest('[data-move-url]').dataset.moveUrl
    // Refused, or asked for something first: the card goes back to where it is still.
    await htmx.ajax('POST', url, { source: card, values: { card: card.dataset.card, column }, target: '#drawer', swap: 'innerHTML', push: 'false' })
    if (moved !== card.dataset.card) back()
  }

  function moveBy(card, step) {
    const columns = [...card.closest('[data-board]').querySelectorAll('[data-column]')]
    const next = columns[columns.indexOf(card.closest('[data-column]')) + step]
    if (next) move(card, next.dataset.column)
  }

  function tellMoved({ text, card, undo }) {
    moved = card
    document.querySelector('[data-drawer]')?.close()
    const toast = document.querySelector('[data-moved]')?.content.firstElementChild.cloneNode(true)
    for (const earlier of document.querySelectorAll('#toasts .told-moved')) earlier.remove()
    if (toast) {
      toast.classList.add('told-moved')
      toast.querySelector('.toast-body').textContent = text
      const form = toast.querySelector('form')
      if (undo) {
        for (const [name, value] of Object.entries({ card, column: undo, undo: '1' })) {
          const input = document.createElement('input')
          Object.assign(input, { type: 'hidden', name, value })
          form.append(input)
        }
      } else form.remove()
      document.getElementById('toasts').append(toast)
      htmx.process(toast)
    }
    htmx.ajax('GET', location.pathname + location.search, { target: '#rows', swap: 'outerHTML', push: 'false' }).then(() => {
      document.querySelector(`[data-card="${CSS.escape(card)}"] :is(summary, a)`)?.focus()
    })
  }

  function moveColumn(button) {
    const item = button.closest('li')
    const down = button.dataset.columnBy > 0
    const other = down ? item.nextElementSibling : item.previousElementSibling
    if (!other) return
    down ? other.after(item) : other.before(item)
    button.focus()
  }

  // Cells

  const before = new WeakMap()
  const filled = new WeakSet() // cells whose form has come

  function editCell(cell) {
    const row = cell?.closest('tr')?.dataset.row
    if (!row || before.has(cell)) return
    before.set(cell, cell.innerHTML)
    const query = new URLSearchParams({ part: 'cell', row, column: cell.dataset.edit })
    htmx.ajax('GET', `${location.pathname}?${query}`, { target: cell, swap: 'innerHTML', push: 'false' })
  }

  function leaveCell(cell, refetch) {
    if (!before.has(cell)) return
    const html = before.get(cell)
    before.delete(cell)
    filled.delete(cell)
    cell.innerHTML = html
    if (refetch) refresh()
    cell.closest('tr').focus()
  }

  function refresh() {
    htmx.ajax('GET', location.pathname + location.search, { target: '#rows', swap: 'outerHTML', push: 'false' })
  }

  // The drawer beside the rows

  let peeked = null

  function peek(row) {
    if (!row?.dataset.href) return
    peeked = row.dataset.row
    for (const each of document.querySelectorAll('#rows tr.peeked')) each.classList.remove('peeked')
    row.classList.add('peeked')
    row.scrollIntoView({ block: 'nearest' })
    const url = new URL(row.dataset.href, location.href)
    url.searchParams.set('peek', '1')
    htmx.ajax('GET', url.pathname + url.search, { target: '#drawer', swap: 'innerHTML', push: 'false' })
  }

  function peekNext(step) {
    const rows = [...document.querySelectorAll('#rows [data-peeks] tr[data-row]')]
    const at = rows.findIndex((row) => row.dataset.row === peeked)
    if (at >= 0 && rows[at + step]) peek(rows[at + step])
  }

  const drawerIsOpen = () => document.querySelector('[data-drawer]')?.open

  function addWays() {
    // The page of a row knows no list; the ways to its neighbours belong to the list it was opened from.
    const content = document.getElementById('drawer')
    const words = document.querySelector('[data-drawer-ways]')
    if (!words || peeked === null || content.querySelector('.peek-ways')) return
    if (!content.querySelector('.peek')) return
    content.prepend(words.content.cloneNode(true))
    content.querySelector('[data-peek-page]').href = document.querySelector('#rows tr.peeked')?.dataset.href ?? ''
  }

  // Groups

  function openGroup(button) {
    const rows = document.getElementById(button.dataset.expands)
    const open = button.getAttribute('aria-expanded') === 'true'
    button.setAttribute('aria-expanded', String(!open))
    rows.hidden = open
  }

  // What a swap would close stays open

  let open = []

  function noteOpen() {
    open = [...document.querySelectorAll('#rows details[data-keep][open]')].map((each) => each.dataset.keep)
  }

  function reopen() {
    for (const name of open) document.querySelector(`#rows details[data-keep="${CSS.escape(name)}"]`)?.setAttribute('open', '')
    open = []
    drawTicks()
  }

  function closePicks(except) {
    for (const pick of document.querySelectorAll('details.pick[open]')) if (pick !== except) pick.removeAttribute('open')
  }

  document.addEventListener('click', (event) => {
    const { target } = event
    closePicks(target.closest('details.pick'))
    const sort = target.closest('a.sort[data-also]')
    if (sort && event.shiftKey) {
      event.preventDefault()
      event.stopImmediatePropagation()
      htmx.ajax('GET', sort.dataset.also, { target: '#rows', swap: 'outerHTML', push: 'true' })
      return
    }
    if (target.matches('[data-tick]')) tick(target, target.checked, event.shiftKey)
    else if (target.matches('[data-tick-page]')) tickPage(target.checked)
    else if (target.closest('[data-tick-all]')) { all = true; drawTicks() }
    else if (target.closest('[data-tick-none]')) tickNone()
    else if (target.closest('[data-act]')) act(target.closest('[data-act]').dataset.act)
    else if (target.closest('[data-move-to]')) {
      const button = target.closest('[data-move-to]')
      closePicks()
      move(button.closest('[data-card]'), button.dataset.moveTo)
    } else if (target.closest('[data-column-by]')) moveColumn(target.closest('[data-column-by]'))
    else if (target.closest('[data-cell-cancel]')) leaveCell(target.closest('td'), Boolean(target.closest('form').querySelector('[role=alert]')))
    else if (target.closest('[data-expands]')) openGroup(target.closest('[data-expands]'))
    else if (target.closest('[data-peek-step]')) peekNext(Number(target.closest('[data-peek-step]').dataset.peekStep))
  }, true)

  document.addEventListener('dblclick', (event) => {
    const cell = event.target.closest('#rows td[data-edit]')
    if (cell) editCell(cell)
  })

  document.addEventListener('keydown', (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return
    const cell = event.target.closest?.('.cell-form')?.closest('td')
    if (cell && event.key === 'Escape') {
      event.stopPropagation()
      leaveCell(cell)
      return
    }
    if (event.key === 'Escape') {
      open = [] // also those that an answer on its way would open again
      closePicks()
    }
    if (drawerIsOpen() && peeked !== null && ['ArrowDown', 'ArrowUp'].includes(event.key) && !event.target.closest('input, textarea, select')) {
      event.preventDefault()
      peekNext(event.key === 'ArrowDown' ? 1 : -1)
      return
    }
    if (document.querySelector('dialog:modal') || event.target.closest('input:not([data-tick]), textarea, select')) return
    const card = event.target.closest?.('[data-board] [data-card]')
    if (card && event.shiftKey && ['ArrowLeft', 'ArrowRight'].includes(event.key)) {
      event.preventDefault()
      moveBy(card, event.key === 'ArrowLeft' ? -1 : 1)
      return
    }
    const row = event.target.closest?.('#rows tr[data-row]')
    if (!row) return
    if (event.key === 'x') {
      const box = row.querySelector('[data-tick]')
      if (box) tick(box, !box.checked, false)
    } else if (event.shiftKey && ['ArrowDown', 'ArrowUp'].includes(event.key)) {
      const next = event.key === 'ArrowDown' ? row.nextElementSibling : row.previousElementSibling
      for (const each of [row, next]) {
        const box = each?.querySelector('[data-tick]')
        if (box && !box.checked) tick(box, true, false)
      }
      next?.focus()
    } else if (event.key === ' ' && row.closest('[data-peeks]') && !event.target.matches('input, button, a')) {
      peek(row)
    } else if (event.key === 'e') {
      editCell(row.querySelector('td[data-edit]'))
    } else return
    event.preventDefault()
  })

  document.addEventListener('submit', (event) => {
    if (event.target.matches('[data-take]')) {
      name(event.target)
      closePicks()
    }
    if (event.target.matches('[data-closes]')) event.target.closest('dialog')?.close()
  })

  document.addEventListener('zhike:moved', (event) => tellMoved(event.detail))
  document.addEventListener('htmx:before:swap', noteOpen)
  document.addEventListener('htmx:after:swap', (event) => {
    reopen()
    addWays()
    loadSortable()
    const form = document.querySelector('.cell-form')
    form?.querySelector('[autofocus]')?.focus()
    for (const cell of document.querySelectorAll('td[data-edit]')) {
      if (cell.querySelector('.cell-form')) filled.add(cell)
      // A cell without its form any more was saved; one that waits for it has had none yet.
      else if (filled.delete(cell) && before.delete(cell)) {
        cell.closest('tr').focus()
      }
    }
    if (document.querySelector('#drawer .run')) tickNone()
  })
  document.addEventListener('DOMContentLoaded', () => {
    if (list()) drawTicks()
    loadSortable()
  })
})()
