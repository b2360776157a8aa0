import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string) => readFileSync(path, 'utf8')
const bicep = read('infra/azure/functions.bicep')
const code = bicep.replace(/^\s*\/\/.*$/gm, '')
const example = JSON.parse(read('local.settings.example.json')) as { Values: Record<string, string> }

/** The text of one declaration, from its line to the bracket at the line's start. */
function declaration(kind: string, name: string): string {
  const found = new RegExp(`^${kind} ${name} [^]*?^[}\\]]`, 'm').exec(code)?.[0]
  if (!found) throw new Error(`infra/azure/functions.bicep declares no ${kind} ${name}.`)
  return found
}
const appSettings = () =>
  [...declaration('resource', 'functionApp').matchAll(/\{ name: '([^']+)', value: (.+) \}/g)].map(([, name]) => name)

test('every app setting that the app reads is set, by an identity in place of its secret', () => {
  const settings = appSettings()
  for (const name of Object.keys(example.Values)) {
    // Flex Consumption has its runtime in functionAppConfig, and refuses this setting.
    if (name === 'FUNCTIONS_WORKER_RUNTIME') expect(settings).not.toContain(name)
    else expect(settings.some((set) => set === name || set?.startsWith(`${name}__`))).toBe(true)
  }
  expect(settings).toContain('EventHubConnection__fullyQualifiedNamespace')
  for (const name of ['EventHubConnection', 'AzureWebJobsStorage']) expect(settings).not.toContain(name)
  expect(settings).toContain('AzureWebJobsStorage__credential')
})

test('the app may send to that event hub, and has no other right there', () => {
  const assignment = declaration('resource', 'mayDoNothingButSend')
  expect(assignment).toContain('scope: eventHub\n')
  expect(assignment).toContain('principalId: functionApp.identity.principalId')
  // Azure Event Hubs Data Sender, as in main.bicep.
  const id = /eventHubsDataSender: '([^']+)'/.exec(code)?.[1]
  expect(read('infra/azure/main.bicep')).toContain(`var dataSenderRoleId = '${id}'`)
  expect(code.match(/scope: eventHub\n/g)).toHaveLength(1)
  expect(code).not.toMatch(/scope: (namespace|resourceGroup)/)
})

test('nothing has a key: not the hub, not the storage, not the telemetry, and no output prints one', () => {
  expect(declaration('module', 'eventHubs')).toContain('withSendKey: false')
  expect(declaration('resource', 'storage')).toContain('allowSharedKeyAccess: false')
  expect(declaration('resource', 'insights')).toContain('DisableLocalAuth: true')
  expect(code).not.toMatch(/listKeys|primaryKey|AccountKey|SharedAccessKey/)
  expect(code.match(/^output .*/gm)?.join('\n')).not.toMatch(/ConnectionString/)
})

test('the hub’s template is given what it takes, and gives what is asked of it', () => {
  const hub = read('infra/azure/main.bicep')
  const given = [...declaration('module', 'eventHubs').matchAll(/^ {4}(\w+):/gm)].map(([, name]) => name)
  expect(given).toContain('namespaceName')
  for (const name of given) expect(hub).toMatch(new RegExp(`^param ${name} `, 'm'))
  for (const [, name] of code.matchAll(/eventHubs\.outputs\.(\w+)/g)) {
    expect(hub).toMatch(new RegExp(`^output ${name} `, 'm'))
  }
})

test('it is Flex Consumption, with the queue that the app’s trigger reads and the package where the host looks', () => {
  expect(declaration('resource', 'plan')).toMatch(/tier: 'FlexConsumption'\s+name: 'FC1'/)
  const app = declaration('resource', 'functionApp')
  expect(app).toMatch(/runtime: \{\s+name: 'node'/)
  expect(app).toMatch(/value: '\$\{storage\.properties\.primaryEndpoints\.blob\}\$\{package\.name\}'/)
  const queueName = /queueName: '([^']+)'/.exec(read('infra/entrypoints/azure-functions.ts'))?.[1]
  expect(declaration('resource', 'publishQueue')).toContain(`name: '${queueName}'`)
})

test('every name that it uses is declared in it, and every parameter is used', () => {
  const declared = [...code.matchAll(/^(?:param|var|resource|module) (\w+)/gm)].map(([, name]) => String(name))
  const uses = (name: string) => code.match(new RegExp(`\\b${name}\\b`, 'g'))?.length ?? 0
  const parameters = [...code.matchAll(/^param (\w+)/gm)].map(([, name]) => String(name))
  for (const name of parameters) expect([name, uses(name) > 1]).toEqual([name, true])
  const roots = [...code.matchAll(/(?<![\w'.@/-])([a-z]\w*)(?=\.(?:id|name|properties|outputs|identity|\w+Id\b))/g)]
  for (const [, name] of roots) expect([...declared, 'roleIds']).toContain(name)
  for (const [open, close] of ['{}', '[]', '()']) {
    expect(code.split(String(open)).length).toBe(code.split(String(close)).length)
  }
})

test('its first lines give the command, and the walkthrough exists', () => {
  expect(bicep).toContain('docs/azure-functions.md')
  expect(read('docs/azure-functions.md')).toContain('infra/azure/functions.bicep')
})
