/** Slots as WHEP's `?slots=` writes them, in the order of receive sections. */

import {
  FLOOR_POSITIONS,
  MAX_SLOTS,
  type Media,
  OPERATOR_SLOTS,
  SLOT_MEDIA,
  type SlotKind,
  type SlotName,
} from '../wire/types.gen'

/** `stage:2,floor:1` → `stage:1 stage:2 floor:1`. */
export function slotNames(slots: string): SlotName[] {
  return slots.split(',').flatMap((part) => {
    const [kind = '', count = ''] = part.split(':')
    return Array.from({ length: Number(count) }, (_, index) => `${kind}:${index + 1}`)
  })
}

export function slotMedia(slot: SlotName): Media {
  return SLOT_MEDIA[slot.split(':')[0] as SlotKind]
}

/** An operator's slots: the fixed ones, and a thumbnail per seat as far as one session allows. */
export function operatorSlots(seats: number): string {
  const thumbs = Math.min(seats, MAX_SLOTS - slotNames(OPERATOR_SLOTS).length)
  return thumbs > 0 ? `${OPERATOR_SLOTS},thumb:${thumbs}` : OPERATOR_SLOTS
}

export const FLOOR_SLOTS = slotNames(`floor:${FLOOR_POSITIONS}`)
