// Draws every [data-chart] from the JSON beside it, in the colours of the theme, and again on a change.

(() => {
  const language = document.documentElement.lang.toLowerCase()
  const scales = {
    'zh-hans': [[1e12, '万亿'], [1e8, '亿'], [1e4, '万']],
    'zh-hant': [[1e12, '兆'], [1e8, '億'], [1e4, '萬']],
  }[language] ?? [[1e12, 'T'], [1e9, 'B'], [1e6, 'M']]
  const plain = new Intl.NumberFormat('en', { maximumFractionDigits: 2 })

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

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
  }

  function dressed(option) {
    const text = colour('--zhike-ink')
    const faint = colour('--zhike-line')
    const axis = {
      axisLine: { lineStyle: { color: faint } },
      axisLabel: { color: text },
      splitLine: { lineStyle: { color: faint } },
      nameTextStyle: { color: text },
    }
    const dress = (own) => ({ ...axis, ...own, axisLabel: { ...axis.axisLabel, ...own.axisLabel } })
    const each = (own) => (Array.isArray(own) ? own.map(dress) : own && dress(own))
    return {
      animation: !matchMedia('(prefers-reduced-motion: reduce)').matches,
      color: [1, 2, 3, 4, 5, 6, 7, 8].map((n) => colour(`--zhike-chart-${n}`)),
      textStyle: { color: text, fontFamily: getComputedStyle(document.body).fontFamily },
      ...option,
      grid: { left: 8, right: 16, top: 28, bottom: option.legend?.show === false ? 8 : 36, containLabel: true,
        ...option.grid },
      xAxis: each(option.xAxis),
      yAxis: each(option.yAxis),
      series: option.series.map((own) => ({ ...own, label: { color: text, textBorderWidth: 0, ...own.label } })),
      legend: option.legend && { icon: 'roundRect', itemWidth: 12, itemHeight: 8, ...option.legend,
        textStyle: { color: text }, pageTextStyle: { color: text } },
      // HTML tooltips carry inline styles, which the content security policy refuses.
      tooltip: option.tooltip && { renderMode: 'richText', confine: true, ...option.tooltip,
        backgroundColor: colour('--zhike-paper'), borderColor: faint, textStyle: { color: text } },
      visualMap: option.visualMap && { textStyle: { color: text },
        inRange: { color: [colour('--zhike-heat-low'), colour('--zhike-heat-high')] }, ...option.visualMap },
    }
  }

  function draw(figure) {
    const canvas = figure.querySelector('.chart-canvas')
    const option = withFormatters(JSON.parse(figure.querySelector('script').textContent))
    figure.chart?.dispose()
    figure.chart = echarts.init(canvas)
    figure.chart.setOption(dressed(option))
    if (!figure.watched) {
      figure.watched = new ResizeObserver(() => figure.chart.resize())
      figure.watched.observe(canvas)
    }
  }

  function drawNew() {
    for (const figure of document.querySelectorAll('[data-chart]')) if (!figure.chart) draw(figure)
  }

  document.addEventListener('htmx:after:swap', drawNew)
  document.addEventListener('zhike:theme', () => {
    for (const figure of document.querySelectorAll('[data-chart]')) draw(figure)
  })
  drawNew()
})()
