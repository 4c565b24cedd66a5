/** Slots as WHEP's `?slots=` writes them, in the order of receive sections. */

import {
  MAX_SLOTS,
  type Media,
  SITE_SLOTS,
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
  const fixed = 'stage:4,floor:4,preview:4,cue:1'
  const thumbs = Math.min(seats, MAX_SLOTS - slotNames(fixed).length)
  return thumbs > 0 ? `${fixed},thumb:${thumbs}` : fixed
}

export const siteSlots = SITE_SLOTS

/** Microphones that are carried at once; of more the loudest are. */
export const FLOOR_POSITIONS = 4

export const FLOOR_SLOTS = slotNames(`floor:${FLOOR_POSITIONS}`)
