// Dialogs and the drawer: closing, what htmx puts into the drawer, where the focus goes back to; the theme of paper.

(() => {
  const narrow = matchMedia('(max-width: 767.98px)')
  let opener = null

  function openDrawer(drawer) {
    if (drawer.open) return
    opener = document.activeElement
    // Beside a wide list the drawer is not modal, so that the next row is one click away.
    if (narrow.matches) drawer.showModal()
    else drawer.show()
  }

  document.addEventListener('click', (event) => {
    const closer = event.target.closest('[data-close]')
    if (closer) closer.closest('dialog')?.close()
    // A browser without closedby: a click on the backdrop is one on the dialog itself.
    else if (event.target.matches('dialog[closedby=any]') && outside(event)) event.target.close()
  })

  function outside({ target, clientX, clientY }) {
    const box = target.getBoundingClientRect()
    return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom
  }

  // Paper is white whatever the screen is.
  const page = document.documentElement
  let shown = page.dataset.bsTheme
  addEventListener('beforeprint', () => {
    shown = page.dataset.bsTheme
    page.dataset.bsTheme = 'light'
  })
  addEventListener('afterprint', () => { page.dataset.bsTheme = shown })

  document.addEventListener('DOMContentLoaded', () => {
    const drawer = document.querySelector('[data-drawer]')
    if (!drawer) return
    const content = document.getElementById('drawer')
    new MutationObserver(() => {
      if (!content.childElementCount) return
      openDrawer(drawer)
      document.dispatchEvent(new CustomEvent('zhike:drawer'))
    }).observe(content, { childList: true })
    drawer.addEventListener('close', () => {
      content.replaceChildren()
      opener?.focus?.()
    })
    // A dialog that is not modal leaves Esc to the page.
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && drawer.open && !document.querySelector('dialog:modal')) drawer.close()
    })
  })
})()
