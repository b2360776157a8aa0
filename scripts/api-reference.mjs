// Pages for people out of API Extractor's model: one for each entry of the package, with every symbol's signature, its
// docstring, and tables of members with defaults and units. `npm run api` makes them; see scripts/api-report.mjs.

/** Kinds of symbols, in the order in which a page has them. */
const sections = [
  ['Function', 'Functions'],
  ['Class', 'Classes'],
  ['Variable', 'Values'],
  ['Interface', 'Interfaces'],
  ['TypeAlias', 'Types'],
]

const mark = '<!-- Made from the docstrings by `npm run api -- --write`. Change those, not this. -->'

/**
 * @param models for each entry, in the package's order, its `name` such as `./fetch`, the name of its `page` and its `model`
 * @returns the text of each page, by its name
 */
export function referencePages(packageName, models) {
  const entries = models.map(({ name, page, model }) => ({
    page,
    specifier: name === '.' ? packageName : `${packageName}/${name.slice(2)}`,
    symbols: model.members.flatMap(({ members }) => members),
  }))
  return new Map(entries.map((entry) => [entry.page, pageOf(entry, linksFrom(entry, entries))]))
}

/** Where a symbol's name leads from a page: to its own symbols first, then to those of the entries before it. */
function linksFrom({ page }, entries) {
  const targets = new Map()
  const own = entries.find((entry) => entry.page === page)
  for (const entry of [own, ...entries]) {
    for (const { name, members = [] } of entry.symbols) {
      const to = entry === own ? '' : entry.page
      if (targets.has(name)) continue
      targets.set(name, `${to}#${name.toLowerCase()}`)
      for (const member of members.filter(isCallable)) {
        targets.set(`${name}.${member.name}`, `${to}#${memberAnchor(name, member)}`)
      }
    }
  }
  return targets
}

function pageOf({ specifier, symbols }, links) {
  const parts = [mark, `# \`${specifier}\``]
  for (const [kind, title] of sections) {
    const rows = symbols.filter((symbol) => symbol.kind === kind).map((symbol) => summaryRow(symbol, links))
    if (rows.length > 0) parts.push(`**${title}**`, table(['', ''], rows))
  }
  for (const [kind] of sections) {
    for (const symbol of symbols.filter((each) => each.kind === kind))
      parts.push(...symbolParts(symbol, specifier, links))
  }
  return `${parts.join('\n\n')}\n`
}

function summaryRow(symbol, links) {
  const [first = ''] = proseOf(docOf(symbol).text, links, symbol.name).split(/(?<=[.?!])\s+(?=[A-Z`])|\n\n/)
  return [`[\`${symbol.name}\`](#${symbol.name.toLowerCase()})`, oneLine(first)]
}

function symbolParts(symbol, specifier, links) {
  const { name, kind, members = [] } = symbol
  const doc = docOf(symbol)
  const isValue = kind !== 'Interface' && kind !== 'TypeAlias'
  const parts = [`## ${name}`, proseOf(doc.text, links, name)]
  const code = signatureOf(symbol)
  parts.push(fence(isValue ? `import { ${name} } from '${specifier}'\n\n${code}` : code))
  parts.push(...callParts(symbol, doc, links))
  const referenced = seeAlso([symbol], name, links)
  if (referenced !== '') parts.push(referenced)
  const fields = members.filter((member) => !isCallable(member))
  if (fields.length > 0) parts.push(fieldTable(fields, links, name))
  for (const member of members.filter(isCallable)) parts.push(...memberParts(name, member, links))
  return parts
}

function isCallable({ kind }) {
  return kind === 'Method' || kind === 'MethodSignature' || kind === 'Constructor'
}

function memberTitle(owner, { kind, name, isStatic }) {
  if (kind === 'Constructor') return `new ${owner}`
  return `${isStatic ? `${owner}.` : `${owner[0].toLowerCase()}${owner.slice(1)}.`}${name}`
}

/** The heading above says it in words; its anchor stays, whatever is written around it. */
function memberAnchor(owner, member) {
  return memberTitle(owner, member)
    .toLowerCase()
    .replaceAll(' ', '-')
    .replace(/[^\w-]/g, '')
}

function memberParts(owner, member, links) {
  const doc = docOf(member)
  const parts = [`### ${memberTitle(owner, member).replaceAll(/[[\]]/g, '\\$&')}`, fence(textOf(member))]
  if (doc.text !== '') parts.push(proseOf(doc.text, links, owner))
  parts.push(...callParts(member, doc, links))
  const referenced = seeAlso([member], owner, links)
  if (referenced !== '') parts.push(referenced)
  return parts.filter((part) => part !== '')
}

/** Parameters that are explained, what is returned, and what is thrown. */
function callParts({ parameters = [] }, doc, links) {
  const rows = parameters
    .filter(({ parameterName }) => doc.parameters.has(parameterName))
    .map(({ parameterName }) => [`\`${parameterName}\``, oneLine(proseOf(doc.parameters.get(parameterName), links))])
  const parts = rows.length > 0 ? [table(['parameter', ''], rows)] : []
  if (doc.returns !== undefined) parts.push(`Returns: ${oneLine(proseOf(doc.returns, links))}`)
  for (const thrown of doc.throws) parts.push(`Throws: ${oneLine(proseOf(thrown, links))}`)
  return parts
}

function fieldTable(fields, links, owner) {
  const rows = fields.map((field) => {
    const { text } = docOf(field)
    const { rest, byDefault } = splitDefault(text)
    return [
      `\`${field.name}\``,
      typeCell(field, links) + unitOf(field.name),
      field.isOptional ? oneLine(proseOf(byDefault ?? '', links, owner)) || 'none' : 'required',
      oneLine(proseOf(rest, links, owner)),
    ]
  })
  // Of what is only read, nothing is required and nothing has a default.
  return fields.some(({ isOptional }) => isOptional)
    ? table(['', 'type', 'default', ''], rows)
    : table(
        ['', 'type', ''],
        rows.map(([name, type, , text]) => [name, type, text]),
      )
}

/** `Longest wait. Default: 60000, retries included.` */
function splitDefault(text) {
  const found = /(?:^|\s)Default: (?<value>.+?)\.(?=\s+[A-Z`]|\s*$)/s.exec(text)
  if (found === null) return { rest: text, byDefault: undefined }
  const rest = `${text.slice(0, found.index)} ${text.slice(found.index + found[0].length)}`
  return { rest: rest.trim(), byDefault: found.groups.value }
}

function unitOf(name) {
  if (/InMs$/.test(name)) return ', in ms'
  if (/InBytes$/.test(name)) return ', in bytes'
  return ''
}

/** The type of a property, its symbols linked. What `?` says already is left out. */
function typeCell({ excerptTokens, isOptional, propertyTypeTokenRange: { startIndex, endIndex } }, links) {
  const tokens = excerptTokens.slice(startIndex, endIndex)
  return tokens
    .map(({ kind, text }, i) => {
      const isLast = isOptional && i === tokens.length - 1
      const plain = oneSpaced(isLast ? text.replace(/ \| undefined$/, '') : text)
      const target = kind === 'Reference' ? links.get(plain) : undefined
      return target === undefined ? htmlOf(plain) : `[${plain}](${target})`
    })
    .join('')
}

/** The symbols of this package that a signature names. */
function seeAlso(symbols, owner, links) {
  const names = symbols.flatMap(({ excerptTokens }) =>
    excerptTokens.filter(({ kind, text }) => kind === 'Reference' && links.has(text) && text !== owner),
  )
  const unique = [...new Set(names.map(({ text }) => text))]
  return unique.length === 0 ? '' : `See ${unique.map((name) => `[\`${name}\`](${links.get(name)})`).join(', ')}.`
}

function textOf({ excerptTokens }) {
  return excerptTokens
    .map(({ text }) => text)
    .join('')
    .trim()
    .replace(/;$/, '')
}

function signatureOf(symbol) {
  return textOf(symbol)
    .replace(/^export declare /, '')
    .replace(/^export /, '')
    .replace(/^declare /, '')
}

/** A docstring without its stars: its text, and what its tags say. */
function parseDocstring(comment) {
  const lines = comment
    .replace(/^\/\*\*/, '')
    .replace(/\*\/\s*$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
  const [text = '', ...tags] = lines.join('\n').split(/^@(?=[a-z])/m)
  const doc = { text: text.trim(), parameters: new Map(), throws: [], returns: undefined }
  for (const tag of tags) {
    const [, name, rest = ''] = /^(?<name>[a-zA-Z]+)\s*(?<rest>[\s\S]*)$/.exec(tag.trim()) ?? []
    if (name === 'throws') doc.throws.push(rest)
    else if (name === 'returns') doc.returns = rest
    else if (name === 'param') {
      const [, parameter = '', said = ''] = /^(?<parameter>\S+)\s+(?:- )?(?<said>[\s\S]*)$/.exec(rest) ?? []
      doc.parameters.set(parameter, said)
    }
  }
  return doc
}

function docOf({ docComment = '' }) {
  return parseDocstring(docComment)
}

/** A docstring's text as Markdown: names of symbols in it are links, and angle brackets are no HTML. */
function proseOf(text, links, owner) {
  return text
    .split(/(?<code>`[^`]*`)/)
    .map((part) => {
      if (!part.startsWith('`')) return part.replaceAll('<', '&lt;')
      const name = part.slice(1, -1)
      const target = name === owner ? undefined : (links.get(name) ?? links.get(`${owner}.${name}`))
      return target === undefined ? part : `[${part}](${target})`
    })
    .join('')
}

function htmlOf(text) {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[[\]*_]/g, '\\$&')
}

function oneSpaced(text) {
  return text.replaceAll(/\s+/g, ' ')
}

function oneLine(text) {
  return oneSpaced(text).trim()
}

function table(headers, rows) {
  const line = (cells) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`.replaceAll('|  |', '| |')
  return [line(headers), `|${headers.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

function fence(code) {
  return `\`\`\`ts\n${code}\n\`\`\``
}
