import { computed, watch, type ComputedRef } from 'vue'
import { hostBlock } from '../../lib/action-rules.ts'
import { bytesText } from '../../lib/format.ts'
import { useClockStore } from '../../stores/clock.ts'
import { useFleetStore } from '../../stores/fleet.ts'
import { usedText, type HostOffer } from '../../stores/host-offer.ts'
import type { SpawnFields } from './spawn-form.ts'

interface Choice {
  label: string
  value: string
  description: string
  disabled?: boolean
}

interface SpawnChoices {
  readonly hosts: ComputedRef<Choice[]>
  readonly owners: ComputedRef<Choice[]>
  readonly images: ComputedRef<Choice[]>
}

/**
 * What can be chosen for a new environment, each with why or what. When another host offers other things, the only
 * choice, or the only active one, is made for the person; anything else is theirs to make.
 */
export function useSpawnChoices(fields: SpawnFields, offer: HostOffer): SpawnChoices {
  const fleet = useFleetStore()
  const clock = useClockStore()

  watch([offer.owners, offer.images], ([owners, images]) => {
    const active = owners.filter((owner) => owner.isActive)
    if (!active.some((owner) => owner.name === fields.owner))
      fields.owner = active.length === 1 ? (active[0]?.name ?? '') : ''
    if (!images.some((image) => image.ref === fields.image)) fields.image = images[0]?.ref ?? ''
  })

  return {
    hosts: computed(() =>
      fleet.hosts.map((each) => {
        const block = hostBlock(each, 'spawn', clock.now)
        return { label: each.name, value: each.id, disabled: block !== null, description: block ?? '' }
      }),
    ),
    owners: computed(() =>
      offer.owners.value.map((owner) => ({
        label: owner.name,
        value: owner.name,
        disabled: !owner.isActive,
        description: owner.isActive ? `${usedText(owner)}${owner.note === '' ? '' : ` · ${owner.note}`}` : 'not active',
      })),
    ),
    images: computed(() =>
      offer.images.value.map((image) => ({ label: image.ref, value: image.ref, description: bytesText(image.bytes) })),
    ),
  }
}
