import type { SecurityScheme } from '../auth/scheme.js'
import { type FrontDoorFacts, headersOf, nameOf, type Operation, operations, problemsByStatus } from './description.js'
import { type Refer, type Schema, type SchemaName, schemas } from './schemas.js'

const refer: Refer = (name) => ({ $ref: `#/definitions/${name}` })

/**
 * The front door in Swagger 2.0 with the extensions of Power Automate and Logic Apps, which take no later version.
 * Without `serverUrl`, host and scheme are those that the document came from, as Swagger says.
 */
export function swagger2(facts: FrontDoorFacts, info: object, serverUrl: string | undefined): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const operation of operations(facts)) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: operationObject(operation) }
  }
  const securityDefinitions = Object.fromEntries(facts.security?.map(named) ?? [])
  const server = serverUrl === undefined ? undefined : new URL(serverUrl)
  return {
    swagger: '2.0',
    info,
    ...(server === undefined ? {} : { host: server.host, schemes: [server.protocol.slice(0, -1)] }),
    basePath: facts.basePath || '/',
    consumes: ['application/json'],
    produces: ['application/json', 'application/problem+json'],
    paths,
    definitions: asSwagger(schemas(refer, facts.maxEventsPerRequest)),
    securityDefinitions,
    security: Object.keys(securityDefinitions).map((name) => ({ [name]: [] })),
    'x-ms-capabilities': { testConnection: { operationId: 'TestConnection', parameters: {} } },
  }
}

function operationObject(operation: Operation): object {
  const { operationId, summary, description, visibility, parameters, guarded } = operation
  const fields = parameters.map(
    ({ name, in: place, title, description: what, visibility: shown, required = false }) => ({
      name,
      in: place,
      required,
      type: 'string',
      'x-ms-summary': title,
      description: what,
      'x-ms-visibility': shown,
    }),
  )
  return {
    operationId,
    summary,
    description,
    'x-ms-visibility': visibility,
    ...(guarded ? {} : { security: [] }),
    parameters: [...fields, ...bodyParameter(operation)],
    responses: responses(operation),
  }
}

/** Swagger has one body schema for all media types: it is that of the first, JSON. */
function bodyParameter({ body }: Operation): object[] {
  if (body === undefined) return []
  const name = body['application/json']?.split('|')[0]
  const schema = name === 'any' ? {} : refer(name as SchemaName)
  return [{ name: 'body', in: 'body', required: true, schema, 'x-ms-summary': 'Body', 'x-ms-visibility': 'important' }]
}

function responses({ answers, problems }: Operation): object {
  const all: Record<string, object> = {}
  for (const [status, { description, schema, headers }] of Object.entries(answers)) {
    all[status] = { description, ...headerObjects(headers), schema: refer(schema) }
  }
  for (const [status, found] of problemsByStatus(problems)) {
    const description = `${found.map(({ title }) => title).join('; ')}.`
    all[status] = { description, ...headerObjects(headersOf[status]), schema: refer('Problem') }
  }
  return all
}

function headerObjects(names: readonly string[] | undefined): object {
  return names === undefined ? {} : { headers: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) }
}

function named(scheme: SecurityScheme): [string, object] {
  const name = nameOf(scheme)
  if (scheme.type === 'apiKey') return [name, scheme]
  if (scheme.scheme === 'basic') return [name, { type: 'basic' }]
  // Swagger knows no bearer: the header is filled in whole.
  const description = 'Bearer, a space, and the key.'
  return [name, { type: 'apiKey', in: 'header', name: 'Authorization', description }]
}

/** Takes out what Swagger's JSON Schema does not have, and says `title` as connectors show it. */
function asSwagger(named: Readonly<Record<string, Schema>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(named).map(([name, schema]) => [name, swaggerSchema(schema)]))
}

function swaggerSchema(schema: Schema): Schema {
  const kept: Record<string, unknown> = {}
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === 'properties') kept.properties = asSwagger(value as Record<string, Schema>)
    else if (keyword === 'items' || keyword === 'additionalProperties') kept[keyword] = subschema(value)
    else if (keyword === 'title') kept['x-ms-summary'] = value
    else if (keyword !== 'oneOf' && value !== 'uri-reference' && !Array.isArray(schema.type)) kept[keyword] = value
  }
  return kept
}

function subschema(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? swaggerSchema(value as Schema) : value
}
