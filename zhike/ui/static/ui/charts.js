// Draws every [data-chart] from the JSON beside it, in the colours of where it stands, and again on a change.

(() => {
  const language = document.documentElement.lang.toLowerCase()
  const scales = {
    'zh-hans': [[1e12, '万亿'], [1e8, '亿'], [1e4, '万']],
    'zh-hant': [[1e12, '兆'], [1e8, '億'], [1e4, '萬']],
  }[language] ?? [[1e12, 'T'], [1e9, 'B'], [1e6, 'M']]
  const plain = new Intl.NumberFormat('en', { maximumFractionDigits: 2 })
  const still = matchMedia('(prefers-reduced-motion: reduce)')
  const NARROW = 480
  const LOW = 240 // pixels; more lines than labels fit there
  const PRINTED_WIDTH = 660

  const formatters = {
    number: (value) => (value == null ? '—' : plain.format(value)),
    percent: (value) => (value == null ? '—' : `${plain.format(Math.round(value * 1000) / 10)}%`),
    money: (value) => {
      if (value == null) return '—'
      const [scale, name] = scales.find(([from]) => Math.abs(value) >= from) ?? [1, '']
      return plain.format(value / scale) + name
    },
  }

  function withFormatters(part) {
    if (Array.isArray(part)) return part.map(withFormatters)
    if (part === null || typeof part !== 'object') return part
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [
      key,
      /formatter$/i.test(key) && value in formatters ? formatters[value] : withFormatters(value),
    ]))
  }

  const array = (own) => (own === undefined ? [] : [own].flat())
  const mapped = (own, change) => (Array.isArray(own) ? own.map(change) : own && change(own))

  function dressed(option, figure, width) {
    const low = figure.chart.getHeight() < LOW
    const style = getComputedStyle(figure)
    const colour = (name) => style.getPropertyValue(name).trim()
    const [text, soft, faint, paper] = ['ink', 'soft', 'line', 'paper'].map((name) => colour(`--zhike-${name}`))
    const narrow = width < NARROW
    const size = narrow ? 11 : 12
    const legend = option.legend && option.legend.show !== false
    const standing = array(option.xAxis).some((own) => own.type === 'category')
    const lowName = array(option.xAxis).some((own) => own.nameLocation === 'middle')
    const axis = (own) => ({
      axisLine: { show: own.type === 'category', lineStyle: { color: faint } },
      axisTick: { show: false },
      splitLine: { show: own.type !== 'category', lineStyle: { color: faint } },
      splitNumber: narrow ? 3 : low ? 4 : 5,
      nameTextStyle: { color: soft, fontSize: size, align: own.nameLocation === 'middle' ? 'center' : 'left' },
      ...own,
      axisLabel: { color: text, fontSize: size, hideOverlap: true,
        ...(own.type === 'category' && { width: narrow ? 84 : width > 640 ? 200 : 140, overflow: 'truncate' }),
        ...(standing && narrow && own.type === 'category' && { width: 76 }),
        ...(!standing && own.type === 'category' && own.data.length <= 12 && { interval: 0, hideOverlap: false }), ...own.axisLabel },
    })
    const label = ({ valueFormatter, ...own } = {}) => ({ color: text, fontSize: size, textBorderWidth: 0, ...own,
      ...(valueFormatter && { formatter: ({ value }) => valueFormatter(array(value).at(-1)) }) })
    const series = (own) => ({
      ...own,
      label: label(own.label),
      ...(own.type === 'pie' && { itemStyle: { borderColor: paper, borderWidth: 2 }, labelLine: { show: !narrow },
        label: label({ show: !narrow, ...own.label }) }),
      ...(own.type === 'heatmap' && { itemStyle: { borderColor: paper, borderWidth: 2, borderRadius: 2 } }),
      ...(own.type === 'bar' && { itemStyle: { borderRadius: own.stack ? 0 : 2, ...(own.tone && { color: colour(`--zhike-${own.tone}`) || 'transparent' }) } }),
      ...(own.type === 'line' && { symbolSize: 5, lineStyle: { width: 2, ...own.lineStyle } }),
      ...(own.type === 'graph' && { edgeLabel: { opacity: 1, ...label(own.edgeLabel), fontSize: size - 1 },
        lineStyle: { color: soft, opacity: 0.6, ...own.lineStyle } }),
      markLine: own.markLine && { silent: true, ...own.markLine, lineStyle: { color: soft, ...own.markLine.lineStyle },
        data: own.markLine.data.map((each) => ({ ...each, label: label(each.label) })) },
    })
    return {
      animation: !still.matches && !figure.printing,
      animationDuration: 300,
      color: [1, 2, 3, 4, 5, 6, 7, 8].map((n) => colour(`--zhike-chart-${n}`)),
      textStyle: { color: text, fontFamily: style.fontFamily },
      ...option,
      grid: { left: 8, right: 16, top: 32, bottom: 8 + (legend ? 28 : 0) + (lowName ? 24 : 0), containLabel: true,
        ...option.grid },
      xAxis: mapped(option.xAxis, axis),
      yAxis: mapped(option.yAxis, axis),
      series: option.series.map(series),
      legend: option.legend && { type: 'scroll', icon: 'roundRect', itemWidth: 12, itemHeight: 8, ...option.legend,
        textStyle: { color: text, fontSize: size, width: narrow ? 120 : 260, overflow: 'truncate' }, pageTextStyle: { color: text }, pageIconColor: text },
      // HTML tooltips carry inline styles, which the content security policy refuses.
      tooltip: option.tooltip && { renderMode: 'richText', confine: true, ...option.tooltip,
        backgroundColor: paper, borderColor: faint, textStyle: { color: text, fontSize: 12 } },
      visualMap: option.visualMap && { itemWidth: 12, itemHeight: 96,
        inRange: { color: [colour('--zhike-heat-low'), colour('--zhike-heat-high')] },
        ...option.visualMap, textStyle: { color: text, fontSize: size } },
    }
  }

  function legibleHeat(option, figure) {
    // A dark cell needs light letters and the other way round: the label takes the side it stands on.
    const style = getComputedStyle(figure)
    const { min, max } = option.visualMap ?? {}
    for (const own of option.series) {
      if (own.type !== 'heatmap' || !own.label?.show) continue
      for (const datum of own.data) {
        const deep = (datum.value[2] - min) / (max - min || 1) > 0.6
        datum.label = { color: style.getPropertyValue(deep ? '--zhike-paper' : '--zhike-ink').trim() }
      }
    }
    return option
  }

  function draw(figure) {
    const canvas = figure.querySelector('.chart-canvas')
    const option = withFormatters(JSON.parse(figure.querySelector('script').textContent))
    const width = figure.printing ? Math.min(PRINTED_WIDTH, canvas.clientWidth || PRINTED_WIDTH) : canvas.clientWidth
    figure.chart?.dispose()
    figure.chart = echarts.init(canvas, null, figure.printing ? { width, devicePixelRatio: 2 } : {})
    figure.chart.setOption(dressed(legibleHeat(option, figure), figure, width))
    figure.chart.on('click', ({ data }) => { if (data?.url) location.href = data.url })
    figure.chart.on('mouseover', ({ data }) => { canvas.classList.toggle('leads', Boolean(data?.url)) })
    figure.narrow = width < NARROW
    if (!figure.watched) {
      figure.watched = new ResizeObserver(() => resize(figure, canvas))
      figure.watched.observe(canvas)
    }
  }

  function resize(figure, canvas) {
    if (figure.printing || !canvas.clientWidth) return
    if (canvas.clientWidth < NARROW === figure.narrow) figure.chart.resize()
    else draw(figure)
  }

  function all(act) {
    for (const figure of document.querySelectorAll('[data-chart]')) act(figure)
  }

  // Paper is narrower, and white by now (components.js): each chart is drawn anew for it, and back.
  function forPaper(printing) {
    all((figure) => {
      figure.printing = printing
      draw(figure)
    })
  }

  const drawNew = () => all((figure) => { if (!figure.chart) draw(figure) })

  document.addEventListener('htmx:after:swap', drawNew)
  document.addEventListener('zhike:theme', () => all(draw))
  addEventListener('beforeprint', () => forPaper(true))
  addEventListener('afterprint', () => forPaper(false))
  drawNew()
})()
