import type { Packaged } from './service.js'

export const functionsOf = (packaged: Packaged) => packaged.ofType('AWS::Lambda::Function')

/** What a role allows, as `action on resource`; of logs only that they are there. */
export function rightsOf(packaged: Packaged, role: string): string[] {
  const policies: { PolicyDocument: { Statement: { Action: string[]; Resource: unknown }[] } }[] =
    packaged.resource(role).Policies
  return policies
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .flatMap(({ Action, Resource }) =>
      Action.map((action) => (action.startsWith('logs:') ? action : `${action} on ${nameOf(Resource)}`)),
    )
    .sort()
}

function nameOf(resource: unknown): string {
  if (typeof resource === 'string') return resource
  const { 'Fn::GetAtt': attribute, 'Fn::Sub': text } = resource as { 'Fn::GetAtt'?: string[]; 'Fn::Sub'?: string }
  return attribute ? String(attribute[0]) : String(text)
}

/** The rights that every function has, with these. */
export const logsAnd = (...rights: string[]) => ['logs:CreateLogStream', 'logs:PutLogEvents', ...rights].sort()
