import { expect, test } from 'vitest'
import { figures, seatRow, siteFigures } from '../../../test/rows'
import { HEALTH_ICONS, healthOf, micOf } from './state'

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
