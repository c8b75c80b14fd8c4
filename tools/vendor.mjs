// Copies the browser assets of package-lock.json into zhike/ui/static/vendor, builds the ECharts
// bundle and the icon sprite, and writes licences and a SHA-256 manifest beside them.
// Run `npm ci --ignore-scripts` first, then `node tools/vendor.mjs`.

import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const modules = join(root, 'node_modules')
const vendor = join(root, 'zhike/ui/static/vendor')
const source = join(root, 'zhike')

const copies = {
  'tabler.min.css': '@tabler/core/dist/css/tabler.min.css',
  'tabler.min.js': '@tabler/core/dist/js/tabler.min.js',
  'htmx.min.js': 'htmx.org/dist/htmx.min.js',
  'alpine-csp.min.js': '@alpinejs/csp/dist/cdn.min.js',
  'sortable.min.js': 'sortablejs/Sortable.min.js',
}

// These ship no licence text of their own (Bootstrap is inside Tabler's build).
const mit = (holder) => `The MIT License (MIT)

${holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or
substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT
OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`
const licences = {
  '@alpinejs/csp': mit('Copyright © 2019-2026 Caleb Porzio and contributors'),
  '@popperjs/core': 'LICENSE.md',
  '@tabler/core': mit('Copyright (c) 2018-2026 The Tabler Authors'),
  '@tabler/icons': 'LICENSE',
  bootstrap: mit('Copyright (c) 2011-2026 The Bootstrap Authors'),
  echarts: 'LICENSE',
  'htmx.org': 'LICENSE',
  sortablejs: 'LICENSE',
  tslib: 'LICENSE.txt',
  zrender: 'LICENSE',
}

const charts = `
import {
  BarChart, CustomChart, GraphChart, HeatmapChart, LineChart, PieChart, ScatterChart,
} from 'echarts/charts'
import {
  AriaComponent, DataZoomComponent, GridComponent, LegendComponent, MarkAreaComponent,
  MarkLineComponent, TitleComponent, TooltipComponent, VisualMapComponent,
} from 'echarts/components'
import { init, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
use([
  BarChart, CustomChart, GraphChart, HeatmapChart, LineChart, PieChart, ScatterChart, AriaComponent,
  DataZoomComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, TitleComponent,
  TooltipComponent, VisualMapComponent, CanvasRenderer,
])
export { init }
`

const packageFile = (name) => join(modules, name, 'package.json')
const version = (name) => JSON.parse(readFileSync(packageFile(name), 'utf8')).version
const sha256 = (path) => createHash('sha256').update(readFileSync(path)).digest('hex')

function* filesBelow(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesBelow(path)
    else yield path
  }
}

function checkInstalled() {
  const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies
  for (const [name, pinned] of Object.entries(wanted)) {
    const found = statSync(packageFile(name), { throwIfNoEntry: false }) && version(name)
    if (found !== pinned) {
      throw new Error(`${name}: package.json wants ${pinned}, node_modules has ${found ?? 'none'}; run npm ci --ignore-scripts`)
    }
  }
}

// An icon is asked for by name, as {% icon "name" %} in a template or icon="name" (icon: str = "name") anywhere.
function* iconsAsked() {
  const asks = /\{%\s*icon\s+["']([a-z0-9-]+)["']|\bicon(?:: str)?\s*=\s*["']([a-z0-9-]+)["']/g
  for (const path of filesBelow(source)) {
    if (path.startsWith(vendor) || !/\.(html|py|txt)$/.test(path)) continue
    const text = readFileSync(path, 'utf8')
    for (const match of text.matchAll(asks)) {
      const line = text.slice(0, match.index).split('\n').length
      yield { name: match[1] ?? match[2], where: `${relative(root, path)}:${line}` }
    }
  }
}

function sprite() {
  const symbols = new Map()
  for (const { name, where } of iconsAsked()) {
    if (symbols.has(name)) continue
    const filled = name.endsWith('-filled')
    const file = filled ? `filled/${name.slice(0, -'-filled'.length)}.svg` : `outline/${name}.svg`
    const path = join(modules, '@tabler/icons/icons', file)
    if (!statSync(path, { throwIfNoEntry: false })) {
      throw new Error(`${where}: no icon "${name}" in @tabler/icons ${version('@tabler/icons')}; see tabler.io/icons for the names`)
    }
    const shapes = readFileSync(path, 'utf8')
      .replace(/^[\s\S]*?<svg[^>]*>|<\/svg>\s*$/g, '')
      .replace(/<path stroke="none"[^>]*>/, '')
      .replace(/\s*\n\s*/g, '')
    const paint = filled
      ? 'fill="currentColor" stroke="none"'
      : 'fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"'
    symbols.set(name, `<symbol id="${name}" viewBox="0 0 24 24" ${paint}>${shapes}</symbol>`)
  }
  const body = [...symbols.keys()].sort().map((name) => symbols.get(name))
  return `<svg xmlns="http://www.w3.org/2000/svg">\n${body.join('\n')}\n</svg>\n`
}

// Of Tabler's sheet what stands here: a rule stays while every class and attribute it asks for is a word of the program
// (or begins as one that is put together: alert-{{ tone }}). What none asks for is not only weight: :has() and
// [class^=…] of parts we do not use made the browser style a whole page anew whenever one class on it changed.
function* ownFiles() {
  for (const path of filesBelow(source)) {
    if (/\.(html|py|js|css)$/.test(path) && !path.startsWith(vendor) && !/\/(tests|locale|migrations)\//.test(path)) yield path
  }
  yield join(modules, copies['tabler.min.js'])
}

function askedFor() {
  const words = new Set()
  const beginnings = new Set()
  for (const path of ownFiles()) {
    const text = readFileSync(path, 'utf8')
    for (const [word] of text.matchAll(/[A-Za-z_][\w-]*/g)) words.add(word)
    if (!path.startsWith(modules)) for (const [, word] of text.matchAll(/([A-Za-z][\w-]*-)\$?\{/g)) beginnings.add(word)
  }
  return (name) => words.has(name) || [...beginnings].some((beginning) => name.startsWith(beginning))
}

function selectors(text) {
  const found = ['']
  let depth = 0
  for (const letter of text) {
    depth += (letter === '(') - (letter === ')')
    if (letter === ',' && depth === 0) found.push('')
    else found[found.length - 1] += letter
  }
  return found
}

function onlyAskedFor(sheet) {
  const asked = askedFor()
  const banner = sheet.match(/\/\*![\s\S]*?\*\//)?.[0] ?? ''
  const stands = (selector) => {
    if (selector.includes(':has(')) return false
    let must = selector.replace(/"[^"]*"/g, '')
    // What stands within :not(), :is() and :where() need not be there.
    for (let before = ''; before !== must;) [before, must] = [must, must.replace(/\([^()]*\)/g, '')]
    const classes = [...must.matchAll(/\.(-?[A-Za-z_][\w-]*)/g)].map(([, name]) => name)
    const attributes = [...must.matchAll(/\[([\w-]+)/g)].map(([, name]) => name)
    return [...classes, ...attributes].every(asked)
  }
  let kept = sheet.replace(/\/\*[\s\S]*?\*\//g, '').replace(/([^{};]+)\{([^{}]*)\}/g, (rule, selected, body) => {
    if (selected.trim().startsWith('@')) return rule
    const those = selectors(selected).filter(stands)
    return those.length ? `${those.join(',')}{${body}}` : ''
  })
  for (let before = ''; before !== kept;) [before, kept] = [kept, kept.replace(/@[^{};]+\{\s*\}/g, '')]
  return `${banner}${kept}`
}

checkInstalled()
rmSync(vendor, { recursive: true, force: true })
mkdirSync(join(vendor, 'licences'), { recursive: true })

for (const [target, path] of Object.entries(copies)) {
  // A source map is not shipped, so its address would only be a failing request.
  const text = readFileSync(join(modules, path), 'utf8')
  const whole = text.replace(/\n?\/[/*]# sourceMappingURL=.*$/m, '\n')
  writeFileSync(join(vendor, target), target.endsWith('.css') ? onlyAskedFor(whole) : whole)
}
for (const [name, licence] of Object.entries(licences)) {
  const target = join(vendor, 'licences', `${name.replace('@', '').replace('/', '-')}.txt`)
  if (licence.includes('\n')) writeFileSync(target, licence)
  else cpSync(join(modules, name, licence), target)
}
writeFileSync(join(vendor, 'icons.svg'), sprite())

const { buildSync } = await import('esbuild')
buildSync({
  stdin: { contents: charts, resolveDir: root },
  bundle: true,
  minify: true,
  format: 'iife',
  globalName: 'echarts',
  target: 'es2020',
  legalComments: 'none',
  outfile: join(vendor, 'echarts.min.js'),
})

const manifest = Object.fromEntries(
  [...filesBelow(vendor)].sort().map((path) => [relative(vendor, path), sha256(path)]),
)
writeFileSync(join(vendor, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
const total = Object.keys(manifest).reduce((sum, path) => sum + statSync(join(vendor, path)).size, 0)
console.log(`${Object.keys(manifest).length} files, ${(total / 1024).toFixed(0)} kB in ${relative(root, vendor)}`)
