import { expect, test } from 'vitest'
import { conferenceRow, rowsOf, seatRow, snapshot } from '../../../test/rows'
import { conferenceOf, floorOf, fromSnapshot, patched, seatOf, seatsOf, stageOf } from './view'

const view = fromSnapshot(
  snapshot(rowsOf(conferenceRow(), [seatRow('48'), seatRow('01'), seatRow('00')])),
)

test('a patch puts and drops rows, and leaves the others as they are', () => {
  const put = { 'seat/48': seatRow('48', { present: false }) }

  const next = patched(view, { type: 'patch', seq: 8, put, drop: ['seat/01'] })

  expect(next?.seq).toBe(8)
  expect(seatOf(next, '48')?.present).toBe(false)
  expect(seatOf(next, '01')).toBeNull()
  expect(next?.rows.conference).toBe(view.rows.conference)
  expect(seatOf(view, '01')).not.toBeNull()
})

test('a patch after a gap is refused', () => {
  expect(patched(view, { type: 'patch', seq: 9, put: {}, drop: [] })).toBeNull()
})

test('a patch that the snapshot contains already changes nothing', () => {
  const late = { type: 'patch', seq: 7, put: {}, drop: ['conference'] } as const
  expect(patched(view, { ...late, drop: [...late.drop] })).toBe(view)
})

test('seats come in protocol order', () => {
  expect(seatsOf(view).map((seat) => seat.site)).toEqual(['00', '01', '48'])
})

test('rows that are not there yet read as nothing', () => {
  expect(conferenceOf(null)).toBeNull()
  expect(seatOf(view, null)).toBeNull()
  expect(stageOf(null).seats).toEqual([])
  expect(floorOf(null).seats).toEqual([])
})
