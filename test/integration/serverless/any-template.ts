import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { functionsOf } from './rights.js'
import type { Packaged, Template } from './service.js'

/** What holds of every template, whatever the parameters. */
export function testAnyTemplate(packaged: () => Packaged): void {
  test('refers to nothing that is not in it', () => {
    const { template } = packaged()
    const known = new Set([
      ...Object.keys(template.Resources),
      'AWS::AccountId',
      'AWS::Region',
      'AWS::Partition',
      'AWS::URLSuffix',
    ])
    const missing = referencesIn(template).filter((name) => !known.has(name))
    expect(missing).toEqual([])
    expect(referencesIn(template)).toContain('DeadLetterQueue')
  })

  test('has each function on arm64 and the newest Node, with a role, a log and alarms of its own', () => {
    const functions = functionsOf(packaged())
    expect(functions.length).toBeGreaterThanOrEqual(4)
    for (const [logicalId, { Properties }] of functions) {
      const name = logicalId.replace('LambdaFunction', '')
      expect(Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Timeout: 30,
        Role: { 'Fn::GetAtt': [`${name}Role`, 'Arn'] },
      })
      expect(packaged().resource(`${name}LogGroup`).RetentionInDays).toBe(30)
      for (const kind of ['Errors', 'Throttles']) {
        expect(packaged().resource(`${name}${kind}Alarm`).Dimensions[0].Value).toEqual({ Ref: logicalId })
      }
    }
    const roles = packaged().ofType('AWS::IAM::Role')
    expect(roles).toHaveLength(functions.length)
  })

  test('grants nothing on everything, but for the token that names no resource and is narrowed by conditions', () => {
    for (const [, { Properties }] of packaged().ofType('AWS::IAM::Role')) {
      for (const statement of Properties.Policies[0].PolicyDocument.Statement) {
        const resources = [statement.Resource].flat()
        if (!resources.includes('*')) continue
        expect(statement).toEqual({
          Effect: 'Allow',
          Action: ['sts:GetWebIdentityToken'],
          Resource: '*',
          Condition: {
            'ForAllValues:StringEquals': { 'sts:IdentityTokenAudience': ['api://AzureADTokenExchange'] },
            StringEquals: { 'sts:SigningAlgorithm': 'RS256' },
            NumericLessThanEquals: { 'sts:DurationSeconds': 300 },
          },
        })
      }
      expect(JSON.stringify(Properties.Policies)).not.toMatch(/"(\w+:)?\*"\]?,"Resource/)
    }
  })

  test('is valid by the schemas of CloudFormation, where cfn-lint is there to say so', () => {
    if (spawnSync('cfn-lint', ['--version']).status !== 0) {
      console.log('cfn-lint is not here: the template was checked by the assertions of this file alone.')
      return
    }
    // Warnings are about style; errors begin with E.
    const lint = spawnSync(
      'cfn-lint',
      ['--regions', 'eu-west-1', '--format', 'parseable', '--', packaged().templatePath],
      {
        encoding: 'utf8',
      },
    )
    expect(lint.stdout.split('\n').filter((line) => /:E\d{4}:/.test(line))).toEqual([])
    expect([0, 4]).toContain(lint.status)
  })
}

function referencesIn(template: Template): string[] {
  const found: string[] = []
  const look = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(look)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'Ref') found.push(String(inner))
      else if (key === 'Fn::GetAtt') found.push(String([inner].flat()[0]).split('.')[0] ?? '')
      else if (key === 'DependsOn') found.push(...[inner].flat().map(String))
      else if (key === 'Fn::Sub' && typeof inner === 'string') {
        found.push(...[...inner.matchAll(/\$\{([^!}][^}.]*)/g)].map(([, name]) => name ?? ''))
      } else look(inner)
    }
  }
  look(template.Resources)
  look(template.Outputs)
  return found
}
