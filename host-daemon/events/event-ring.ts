import type { DaemonEvent } from '../../src-shared/contract/daemon.ts'

/** The newest `capacity` events, found by their sequence number. */
export class EventRing {
  private readonly capacity: number
  private readonly slots: (DaemonEvent | undefined)[] = []

  constructor(capacity: number) {
    this.capacity = capacity
  }

  add(event: DaemonEvent): void {
    this.slots[event.cursor.seq % this.capacity] = event
  }

  /** Undefined once it has been overwritten, and before it exists. */
  at(seq: number): DaemonEvent | undefined {
    const event = this.slots[seq % this.capacity]
    return event?.cursor.seq === seq ? event : undefined
  }
}
