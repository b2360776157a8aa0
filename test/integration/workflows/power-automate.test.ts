import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'
import { openApiDocuments } from '../../../adapters/fetch/index.js'
import { FrontDoor } from '../../adapters/fetch/front-door.js'

const folder = 'infra/workflows/power-automate/'
const definition = JSON.parse(readFileSync(`${folder}apiDefinition.swagger.json`, 'utf8'))
const { properties } = JSON.parse(readFileSync(`${folder}apiProperties.json`, 'utf8'))

test('the definition is what the front door says of itself; if not: npm run build && npm run workflows', async () => {
  const openApi = openApiDocuments({ serverUrl: 'https://door.example.com', title: definition.info.title })
  const door = new FrontDoor({ auth: { bearer: 'a-key-that-opens-nothing' }, openApi })
  const answer = await door.send(new Request('https://door.example.com/swagger.json'))
  expect(definition).toEqual(JSON.parse(answer.text))
})

test('it is Swagger 2.0, of one host, by HTTPS alone', async () => {
  const validator = new Validator()
  expect(await validator.validate(definition)).toMatchObject({ valid: true })
  expect(validator.version).toBe('2.0')
  expect(definition).toMatchObject({ host: 'door.example.com', schemes: ['https'], basePath: '/' })
})

test('a connection asks for host and key, and puts both into every request', () => {
  const { connectionParameters, policyTemplateInstances, iconBrandColor } = properties
  expect(connectionParameters.api_key.type).toBe('securestring')
  expect(iconBrandColor).toMatch(/^#[0-9A-F]{6}$/)
  const used = [...JSON.stringify(policyTemplateInstances).matchAll(/@connectionParameters\('(\w+)'\)/g)]
  expect(used.map(([, name]) => name).sort()).toEqual(Object.keys(connectionParameters).sort())
  const [, header] = policyTemplateInstances
  const [{ bearer }] = [definition.securityDefinitions]
  expect(header.parameters['x-ms-apimTemplateParameter.name']).toBe(bearer.name)
})

test('what people see first is sending events', () => {
  const operations = Object.values<Record<string, { operationId: string; 'x-ms-visibility': string }>>(definition.paths)
  const important = operations
    .flatMap((methods) => Object.values(methods))
    .filter((operation) => operation['x-ms-visibility'] === 'important')
  expect(important.map(({ operationId }) => operationId)).toEqual(['SendEventBatch'])
})
