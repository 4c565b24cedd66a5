import { expect, test } from 'vitest'
import { operatorSlots, slotMedia, slotNames } from './slots'

test('are named from one, in order', () => {
  expect(slotNames('stage:2,floor:1')).toEqual(['stage:1', 'stage:2', 'floor:1'])
  expect(slotNames('stage:2,cue:1').map(slotMedia)).toEqual(['video', 'video', 'audio'])
})

test('an operator gets a thumbnail per seat, as many as one session may have', () => {
  expect(operatorSlots(64)).toBe('stage:4,floor:4,preview:4,cue:1,thumb:64')
  expect(operatorSlots(0)).toBe('stage:4,floor:4,preview:4,cue:1')
  expect(slotNames(operatorSlots(500))).toHaveLength(160)
})
