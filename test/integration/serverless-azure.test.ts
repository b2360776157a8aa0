import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { entraAudience } from '../../adapters/aws-lambda/aws/web-identity.js'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const bicep = read('infra/azure/main.bicep')

/** The text of one declaration, from its line to the brace at the line's start. */
function declaration(name: string): string {
  const found = new RegExp(`^resource ${name} [^]*?^[}\\]]`, 'm').exec(bicep)?.[0]
  if (!found) throw new Error(`infra/azure/main.bicep declares no ${name}.`)
  return found
}

test('the identity in Azure trusts what the function asks AWS for: its audience, its issuer, the ARN of its role', () => {
  const credentials = declaration('federatedCredentials')
  expect(credentials).toContain(`audiences: ['${entraAudience}']`)
  expect(credentials).toContain('issuer: awsIssuer')
  expect(credentials).toContain('subject: roleArn')
  // Azure refuses them when they are written side by side.
  expect(bicep).toMatch(/@batchSize\(1\)\nresource federatedCredentials/)
})

test('the identity may send to that event hub, and nothing else', () => {
  // Azure Event Hubs Data Sender.
  expect(bicep).toContain("var dataSenderRoleId = '2b629674-e913-4c01-ae53-ef4638d8f975'")
  const assignment = declaration('mayDoNothingButSend')
  expect(assignment).toContain('scope: eventHub\n')
  expect(assignment).toContain("roleDefinitions', dataSenderRoleId)")
  expect(bicep.match(/Microsoft.Authorization\/roleAssignments/g)).toHaveLength(1)
})

test('the key may send and nothing else, is there only when asked for, and is never printed', () => {
  const key = declaration('sendKey')
  expect(key).toContain("rights: ['Send']")
  expect(key).toContain('= if (withSendKey)')
  expect(declaration('namespace')).toContain('disableLocalAuth: !withSendKey')
  expect(bicep).not.toMatch(/listKeys|primaryKey|connectionString/)
})

test('what Azure prints are the parameters that the deployment to AWS takes, by the same names', () => {
  const outputs = [...bicep.matchAll(/^output (\w+)/gm)].map(([, name]) => name)
  const parameters = read('infra/aws/parameters.cjs')
  for (const name of ['fullyQualifiedNamespace', 'eventHubName', 'azureTenantId', 'azureClientId']) {
    expect(outputs).toContain(name)
    expect(parameters).toContain(`'${name}',`)
  }
})
