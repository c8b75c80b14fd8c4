// The workbench by keys and thumb: a line is closed where it stands, and is gone before the server answered.

(() => {
  const list = () => document.getElementById('today')
  const lines = () => [...list().querySelectorAll('.work-line:not(.leaving)')]
  const lineAt = (element) => element?.closest?.('.work-line')

  function focusLine(line) {
    line?.focus()
    line?.scrollIntoView({ block: 'nearest' })
  }

  function move(step) {
    const all = lines()
    const at = all.indexOf(lineAt(document.activeElement))
    const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step
    focusLine(all[Math.max(0, Math.min(next, all.length - 1))])
  }

  // The form of a step under its line

  function closeForm() {
    const form = list().querySelector('.work-form')
    if (!form) return
    const line = lineAt(form)
    form.remove()
    focusLine(line)
  }

  function openForm(line, step) {
    closeForm()
    const form = document.getElementById(`work-form-${step}`).content.firstElementChild.cloneNode(true)
    const address = `/today/${line.dataset.id}/${step}/${location.search}`
    form.setAttribute('action', address)
    form.setAttribute('hx-post', address)
    const channel = form.elements.channel
    if (channel) channel.value = line.dataset.channel
    const also = form.querySelector('.work-also')
    for (const other of also ? line.parentElement.querySelectorAll('.work-line:not(.leaving)') : []) {
      if (other === line) continue
      const label = document.createElement('label')
      label.className = 'form-check'
      const box = Object.assign(document.createElement('input'),
        { type: 'checkbox', name: 'also', value: other.dataset.id, className: 'form-check-input' })
      const words = Object.assign(document.createElement('span'),
        { className: 'form-check-label', textContent: other.dataset.label })
      label.append(box, words)
      also.append(label)
      also.hidden = false
    }
    line.append(form)
    htmx.process(form)
    form.querySelector('[data-first]').focus()
  }

  // Gone at once; back again when the server refuses. What has no line left goes with its last one.

  function foldEmpty() {
    for (const [frame, kept] of [['.work-card', ''], ['.work-group', ', .work-more']]) {
      for (const each of list().querySelectorAll(frame)) {
        each.classList.toggle('emptied', !each.querySelector(`.work-line:not(.leaving)${kept}`))
      }
    }
  }

  function leaving(form) {
    const ids = [lineAt(form).dataset.id]
    for (const box of form.querySelectorAll('[name=also]:checked')) ids.push(box.value)
    return ids.map((id) => document.getElementById(`line-${id}`)).filter(Boolean)
  }

  function leave(form) {
    const gone = leaving(form)
    const all = lines()
    const at = all.indexOf(gone[0])
    const stays = (line) => !gone.includes(line)
    const next = all.slice(at + 1).find(stays) ?? all.slice(0, at).reverse().find(stays)
    for (const line of gone) line.classList.add('leaving')
    foldEmpty()
    focusLine(next)
  }

  function comeBack(form) {
    for (const line of leaving(form)) line.classList.remove('leaving')
    foldEmpty()
    form.querySelector('[data-first]').focus()
  }

  function undo() {
    const offers = document.querySelectorAll('#toasts form[action*="/today/"] button')
    const closed = document.querySelector('#panel-activitiesclosed form button')
    const last = offers[offers.length - 1] ?? closed
    last?.click()
  }

  // The drawer opens by itself when something comes into it; beside it the arrows go on along the lines.

  function look(line) {
    htmx.ajax('GET', `${line.dataset.href}?peek=1`, { target: '#drawer', swap: 'innerHTML', push: 'false' })
  }

  const looking = () => document.querySelector('[data-drawer]')?.open

  // The buttons of the key line: the shell presses them by their letters. On a line, or on the first one.

  const presses = {
    next: () => move(1),
    previous: () => move(-1),
    done: (line) => openForm(line, 'done'),
    later: (line) => openForm(line, 'later'),
    dismiss: (line) => openForm(line, 'dismiss'),
    undo,
    open: (line) => { location.href = line.dataset.href },
    look,
  }

  function press(name) {
    const line = lineAt(document.activeElement) ?? lines()[0]
    if (line || name === 'undo') presses[name](line)
  }

  document.addEventListener('keydown', (event) => {
    if (event.isComposing) return
    if (event.key === 'Enter' && event.target.matches('.work-line')) presses.open(event.target)
    if (event.key === ' ' && event.target.matches('.work-line')) {
      event.preventDefault()
      look(event.target)
    }
    if (looking() && ['ArrowDown', 'ArrowUp'].includes(event.key) && !event.target.closest('input, select')) {
      event.preventDefault()
      move(event.key === 'ArrowDown' ? 1 : -1)
      look(lineAt(document.activeElement))
    }
    if (event.key === 'Escape' && event.target.closest('.work-form')) closeForm()
  })

  document.addEventListener('click', (event) => {
    const act = event.target.closest('[data-do]')
    if (act) openForm(lineAt(act), act.dataset.do)
    const pressed = event.target.closest('[data-press]')
    if (pressed) press(pressed.dataset.press)
    if (event.target.closest('.work-form [data-cancel]')) closeForm()
    const close = event.target.closest('#follow-up [data-close]')
    if (close) document.getElementById('follow-up').close()
  })

  document.addEventListener('change', (event) => {
    // A day of one's own takes the place of the offered ones.
    if (event.target.matches('.work-form [name=until]')) event.target.form.elements.day.value = ''
  })

  const formOf = (event) => (event.target.matches?.('.work-form') ? event.target : null)
  document.addEventListener('htmx:before:request', (event) => formOf(event) && leave(formOf(event)))
  document.addEventListener('htmx:response:error', (event) => formOf(event) && comeBack(formOf(event)))
  document.addEventListener('htmx:error', (event) => formOf(event) && comeBack(formOf(event)))
  document.addEventListener('htmx:after:request', (event) => {
    const ok = event.detail?.ctx?.response?.status < 400
    if (ok && event.target.matches?.('#follow-up form')) {
      event.target.reset()
      document.getElementById('follow-up-found').replaceChildren()
      document.getElementById('follow-up').close()
    }
  })

  document.addEventListener('htmx:after:swap', () => {
    if (!list()) return
    foldEmpty()
    const back = list().dataset.focus
    if (back) {
      delete list().dataset.focus
      focusLine(document.getElementById(back))
    }
    // What was shown of a group is worked off: the rest of it takes the place.
    for (const more of list().querySelectorAll('.work-more')) {
      if (!more.closest('.work-group').querySelector('.work-line:not(.leaving)')) more.click()
    }
    const day = new URLSearchParams(location.search).get('on')
    for (const link of document.querySelectorAll('.week-day')) {
      if (day && link.href.endsWith(`?on=${day}`)) link.setAttribute('aria-current', 'date')
      else link.removeAttribute('aria-current')
    }
  })
})()
