export interface Mutation {
  readonly name: string
  readonly startAt?: number
  readonly file: string
  readonly from: string
  readonly to: string
  readonly says: RegExp
}

export const mutations: readonly Mutation[]
