import { type Ledger, type Owner, violation } from './ledger.js'
import type { Plan } from './plan.js'
import type { Service, StoredCopy } from './service.js'

/** What must hold of every event once nothing is under way any more. */
export function checkAccounts(ledger: Ledger, service: Service, plan: Plan): void {
  for (const event of ledger.events.values()) {
    const { id, owner, told, wasInDoubt } = event
    const copies = service.stored.get(id)?.length ?? 0
    if (told === undefined) violation(`event ${id} of ${owner.name} was never spoken of`)
    if (told === 'accepted' && copies === 0) violation(`event ${id} of ${owner.name} is accepted, but not stored`)
    if ((told === 'refused' || told === 'returned') && copies > 0) {
      violation(`event ${id} of ${owner.name} is ${told}, but was stored later`)
    }
    if (copies > 1 && !wasInDoubt) violation(`event ${id} of ${owner.name} is stored ${copies} times without a doubt`)
    if (copies > 1 && plan.client.enableIdempotentRetries) {
      violation(`event ${id} of ${owner.name} is stored ${copies} times in spite of idempotent retries`)
    }
  }
  for (const owner of ledger.owners) checkOrder(owner, service, plan)
}

/** Within an owner, what was accepted of one key (or partition) lies in the order in which it was taken. */
function checkOrder(owner: Owner, service: Service, plan: Plan): void {
  const { maxConcurrentSendsPerPartition } = plan.client
  const isOrdered = owner.kind !== 'direct' && (maxConcurrentSendsPerPartition === 1 || owner.afterFailure === 'stop')
  if (!isOrdered) return
  const last = new Map<string, StoredCopy & { readonly id: number }>()
  const failed = new Map<string, number>()
  for (const { id, orderKey, told } of owner.events) {
    if (orderKey === undefined) continue
    if (told !== 'accepted') {
      failed.set(orderKey, failed.get(orderKey) ?? id)
      continue
    }
    const before = failed.get(orderKey)
    if (owner.afterFailure === 'stop' && before !== undefined) {
      violation(`event ${id} of ${owner.name} is accepted after event ${before} of the same ${orderKey} failed`)
    }
    const copy = service.stored.get(id)?.[0]
    if (!copy) continue
    const place = `${orderKey} in ${copy.partitionId}`
    const previous = last.get(place)
    if (previous && previous.position > copy.position) {
      violation(`event ${id} of ${owner.name} lies before event ${previous.id}, which was taken earlier (${place})`)
    }
    last.set(place, { ...copy, id })
  }
}
