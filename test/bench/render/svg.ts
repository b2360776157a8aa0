/** Whose figure a mark is; each has a colour of its own. */
export type Series = 'sluice' | 'official' | 'rhea'

export const seriesNames: Readonly<Record<Series, string>> = {
  sluice: 'eventhub-sluice',
  official: '@azure/event-hubs',
  rhea: 'raw rhea, batches encoded beforehand',
}

export const chartWidth = 880
/** Where the labels end and the marks begin. */
export const plotLeft = 300
export const plotRight = 830

// Two palettes, so that the page reads well in light and in dark; the background goes with them.
const style = `
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .muted { fill: #59636e; font-size: 12px }
  .over { stroke: #ffffff; stroke-width: 4; stroke-linejoin: round; paint-order: stroke }
  .background { fill: #ffffff }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .limit { stroke: #1f2328; stroke-width: 2; stroke-dasharray: 3 2 }
  .span { stroke: #d1d9e0; stroke-width: 4 }
  .sluice { fill: #0969da } .official { fill: #bc4c00 } .rhea { fill: #818b98 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .muted { fill: #9198a1 }
    .background { fill: #0d1117 }
    .over { stroke: #0d1117 }
    .grid, .span { stroke: #3d444d }
    .limit { stroke: #f0f6fc }
    .sluice { fill: #4493f8 } .official { fill: #f0883e } .rhea { fill: #9198a1 }
  }`

const escaped: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

export function escapeXml(value: string): string {
  return value.replace(/[&<>"]/g, (character) => escaped[character] ?? character)
}

export interface TextOptions {
  readonly anchor?: 'start' | 'middle' | 'end'
  readonly className?: string
}

export function text(
  x: number,
  y: number,
  value: string,
  { anchor = 'start', className = '' }: TextOptions = {},
): string {
  const attributes = className === '' ? '' : ` class="${className}"`
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}"${attributes}>${escapeXml(value)}</text>`
}

export function line(x1: number, y1: number, x2: number, y2: number, className: string): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" class="${className}"/>`
}

export function bar(x: number, y: number, width: number, height: number, series: Series): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(Math.max(1, width))}" height="${height}" rx="2" class="${series}"/>`
}

export function dot(x: number, y: number, series: Series): string {
  return `<circle cx="${round(x)}" cy="${round(y)}" r="6" class="${series}"/>`
}

/** What each colour, and the dashed mark, stands for. */
export function legend(y: number, series: readonly Series[], limitName: string): string[] {
  let x = 20
  const parts: string[] = []
  for (const each of series) {
    parts.push(bar(x, y - 10, 12, 12, each), text(x + 18, y, seriesNames[each], { className: 'muted' }))
    x += 40 + seriesNames[each].length * 6.6
  }
  parts.push(line(x + 6, y - 11, x + 6, y + 3, 'limit'), text(x + 18, y, limitName, { className: 'muted' }))
  return parts
}

/** A whole picture, with what it shows in words for those who cannot see it. */
export function picture(height: number, title: string, description: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${chartWidth} ${height}" width="${chartWidth}" height="${height}" role="img" aria-labelledby="title description">
<title id="title">${escapeXml(title)}</title>
<desc id="description">${escapeXml(description)}</desc>
<style>${style}
</style>
<rect class="background" width="${chartWidth}" height="${height}" rx="8"/>
${parts.join('\n')}
</svg>
`
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10)
}
