import { expect, test } from 'vitest'
import { figures, seatRow, siteFigures } from '../../../test/rows'
import { clips, HEALTH_ICONS, healthOf, meterOf, micOf, voiceOf } from './state'

test('the monitor’s word goes before what the seat says', () => {
  const received = { figures: figures({ '48': siteFigures({ state: 'lost' }) }), receivedAt: 0 }
  expect(healthOf(seatRow('48'), received)).toBe('lost')
  expect(healthOf(seatRow('01'), received)).toBe('connecting')
  expect(healthOf(seatRow('01', { present: false }), null)).toBe('offline')
})

test('of two mutes the operator’s is named', () => {
  expect(micOf({ muted_by_operator: true, muted_by_site: true })).toBe('muted_by_operator')
  expect(micOf({ muted_by_operator: false, muted_by_site: true })).toBe('muted_by_site')
  expect(micOf({ muted_by_operator: false, muted_by_site: false })).toBe('open')
})

test('every state has an icon of its own', () => {
  const icons = Object.values(HEALTH_ICONS)
  expect(new Set(icons).size).toBe(icons.length)
})

test('a voice is told by where it goes', () => {
  const shut = seatRow('48')
  const open = seatRow('48', { muted_by_operator: false })
  const heard = siteFigures({ mic_heard: true })
  expect(voiceOf(open, siteFigures({ mic_heard: true, floor_position: 2 }))).toBe('speaking')
  expect(voiceOf(open, heard)).toBe('waiting')
  expect(voiceOf(shut, heard)).toBe('muted')
  expect(voiceOf(open, siteFigures({ floor_position: 1 }))).toBe('quiet')
  expect(voiceOf(open, siteFigures({ mic_heard: null }))).toBe('unknown')
  expect(voiceOf(open, null)).toBe('unknown')
})

test('the meter runs from −60 to −6, and silence is not the same as no packets', () => {
  expect(meterOf(-127)).toBe(0)
  expect(meterOf(-33)).toBeCloseTo(0.5)
  expect(meterOf(0)).toBe(1)
  expect(meterOf(null)).toBeNull()
})

test('a few cut packets are no fault', () => {
  expect(clips(siteFigures({ mic_clipping_ratio: 0.01 }))).toBe(false)
  expect(clips(siteFigures({ mic_clipping_ratio: 0.05 }))).toBe(true)
  expect(clips(null)).toBe(false)
})
