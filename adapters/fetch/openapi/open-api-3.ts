import type { SecurityScheme } from '../auth/scheme.js'
import {
  type BodySchema,
  type FrontDoorFacts,
  headersOf,
  nameOf,
  type Operation,
  operations,
  problemsByStatus,
} from './description.js'
import { type Refer, type Schema, schemas } from './schemas.js'

const refer: Refer = (name) => ({ $ref: `#/components/schemas/${name}` })

/** The front door in OpenAPI 3.1. `serverUrl`: where it is reached; default: where the document came from. */
export function openApi31(facts: FrontDoorFacts, info: object, serverUrl: string | undefined): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const operation of operations(facts)) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: operationObject(operation, facts) }
  }
  const securitySchemes = Object.fromEntries(facts.security?.map(named) ?? [])
  return {
    openapi: '3.1.0',
    info,
    servers: [{ url: (serverUrl ?? '') + facts.basePath || '/' }],
    paths,
    components: { schemas: schemas(refer, facts.maxEventsPerRequest), securitySchemes },
    security: Object.keys(securitySchemes).map((name) => ({ [name]: [] })),
  }
}

function operationObject(operation: Operation, facts: FrontDoorFacts): object {
  const { operationId, summary, description, parameters, guarded } = operation
  return {
    operationId,
    summary,
    description,
    ...(guarded ? {} : { security: [] }),
    parameters: parameters.map(({ name, in: place, title, description: what, pattern, required = false }) => ({
      name,
      in: place,
      required,
      description: what,
      schema: { type: 'string', title, ...(pattern === undefined ? {} : { pattern }) },
    })),
    ...(operation.body === undefined ? {} : { requestBody: requestBody(operation.body, facts) }),
    responses: responses(operation),
  }
}

function requestBody(body: Readonly<Record<string, BodySchema>>, { maxBodySizeInBytes }: FrontDoorFacts): object {
  const content = Object.entries(body).map(([type, schema]) => [type, { schema: bodySchema(schema) }])
  return {
    required: true,
    description: `At most ${maxBodySizeInBytes} bytes.`,
    content: Object.fromEntries(content),
  }
}

function bodySchema(body: BodySchema): Schema {
  if (body === 'any' || body === 'bytes') return {}
  const [first = body, second] = body.split('|') as [BodySchema, BodySchema?]
  if (second !== undefined) return { oneOf: [bodySchema(first), bodySchema(second)] }
  const name = first.replace('[]', '') as Parameters<Refer>[0]
  return name === first ? refer(name) : { type: 'array', minItems: 1, items: refer(name) }
}

function responses({ answers, problems }: Operation): object {
  const all: Record<string, object> = {}
  for (const [status, { description, schema, headers }] of Object.entries(answers)) {
    const content = { 'application/json': { schema: refer(schema) } }
    all[status] = { description, ...headerObjects(headers), content }
  }
  for (const [status, found] of problemsByStatus(problems)) {
    const narrowed = { properties: { type: { enum: found.map(({ type }) => type) } } }
    all[status] = {
      description: `${found.map(({ title }) => title).join('; ')}.`,
      ...headerObjects(headersOf[status]),
      content: { 'application/problem+json': { schema: { allOf: [refer('Problem'), narrowed] } } },
    }
  }
  return all
}

function headerObjects(names: readonly string[] | undefined): object {
  if (names === undefined) return {}
  return { headers: Object.fromEntries(names.map((name) => [name, { required: true, schema: { type: 'string' } }])) }
}

function named(scheme: SecurityScheme): [string, object] {
  return [nameOf(scheme), scheme]
}
