import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

/** An OpenAPI 3.1 document, as far as ours goes. */
export interface Document {
  readonly servers: readonly [{ readonly url: string }]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

export interface Operation {
  readonly operationId: string
  readonly security?: readonly unknown[]
  readonly parameters: readonly {
    readonly name: string
    readonly in: 'header' | 'query'
    readonly schema: Schema
  }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
  readonly responses: Readonly<Record<string, DocumentedResponse>>
}

interface DocumentedResponse {
  readonly headers?: Readonly<Record<string, { readonly required?: boolean }>>
  readonly content: Readonly<Record<string, { readonly schema: Schema }>>
}

export interface Schema {
  readonly [keyword: string]: unknown
}

/** What a client that reads answers must not meet unannounced. What it sends, the front door judges itself. */
const answers = ['EventResult', 'EventsAnswer', 'Problem', 'Partitions', 'Pending', 'Status']

/** Holds answers to a document: each one must be there, by operation and status, with its headers and its body. */
export class Conformance {
  /** Which of the document's responses were met: `<operationId> <status>`, and the problem's type where it is one. */
  readonly met = new Set<string>()
  readonly #document: Document
  readonly #ajv: Ajv2020
  readonly #validators = new Map<string, ValidateFunction>()

  constructor(document: Document) {
    this.#document = document
    this.#ajv = new Ajv2020({ strict: false, allErrors: true })
    addFormats.default(this.#ajv)
    this.#ajv.addSchema(closed(document), 'document')
  }

  /** Every response of the document, as `met` names them. */
  get documented(): string[] {
    return this.#operations().flatMap(({ operation }) =>
      Object.entries(operation.responses).flatMap(([status, response]) =>
        (problemTypes(response) ?? ['']).map((type) => `${operation.operationId} ${status} ${type}`.trim()),
      ),
    )
  }

  /**
   * Which of the document's responses this is, as `met` names it; undefined for an answer about what the document does
   * not have. Reads the answer's body. Throws an error that says how the answer departs from the document.
   */
  async check(method: string, path: string, response: Response): Promise<string | undefined> {
    const text = await response.text()
    const mediaType = response.headers.get('content-type') ?? ''
    const where = `${method} ${path}: ${response.status} ${mediaType} ${text.slice(0, 500)}`
    const onPath = this.#operations().filter((candidate) => candidate.path === path)
    const found = onPath.find((candidate) => candidate.method === (method === 'HEAD' ? 'GET' : method))
    if (found === undefined) {
      const expected = onPath.length === 0 ? [404, 'not-found'] : [405, 'method-not-allowed']
      if (response.status !== expected[0]) throw new Error(`An undocumented answer: ${where}`)
      if (method !== 'HEAD') this.#assertBody({ $ref: 'document#/components/schemas/Problem' }, text, where)
      if (!text.includes(`:${expected[1]}"`) && method !== 'HEAD') throw new Error(`Not ${expected[1]}: ${where}`)
      if (expected[0] === 405 && !response.headers.has('allow')) throw new Error(`No Allow: ${where}`)
      return undefined
    }
    const { operation } = found
    const documented = operation.responses[response.status]
    if (documented === undefined) throw new Error(`Status ${response.status} is not documented: ${where}`)
    for (const [name, { required }] of Object.entries(documented.headers ?? {})) {
      if (required && !response.headers.has(name)) throw new Error(`The header ${name} is missing: ${where}`)
    }
    const content = documented.content[mediaType]
    if (content === undefined) throw new Error(`The media type is not documented: ${where}`)
    if (method === 'HEAD') return undefined
    const pointer = [found.path, found.method.toLowerCase(), 'responses', String(response.status), 'content', mediaType]
    this.#assertBody({ $ref: `document#/paths/${pointer.map(escaped).join('/')}/schema` }, text, where)
    const types = problemTypes(documented)
    const type: string = types === undefined ? '' : JSON.parse(text).type
    const met = `${operation.operationId} ${response.status} ${type}`.trim()
    this.met.add(met)
    return met
  }

  #assertBody(schema: { readonly $ref: string }, text: string, where: string): void {
    let validate = this.#validators.get(schema.$ref)
    if (validate === undefined) {
      validate = this.#ajv.compile(schema)
      this.#validators.set(schema.$ref, validate)
    }
    if (!validate(JSON.parse(text))) {
      throw new Error(`Not as documented (${this.#ajv.errorsText(validate.errors)}): ${where}`)
    }
  }

  #operations(): { path: string; method: string; operation: Operation }[] {
    const [{ url }] = this.#document.servers
    return Object.entries(this.#document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        path: (url === '/' ? '' : url) + path,
        method: method.toUpperCase(),
        operation,
      })),
    )
  }
}

function problemTypes({ content }: DocumentedResponse): readonly string[] | undefined {
  const schema = content['application/problem+json']?.schema as
    | { readonly allOf: readonly [unknown, { readonly properties: { readonly type: { readonly enum: string[] } } }] }
    | undefined
  return schema?.allOf[1].properties.type.enum
}

/** The document with its answers closed: a member that is not documented is an error. */
function closed(document: Document): object {
  const { schemas } = document.components
  const shut = answers.map((name) => [name, { ...schemas[name], additionalProperties: false }])
  return { ...document, components: { schemas: { ...schemas, ...Object.fromEntries(shut) } } }
}

function escaped(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))
}
