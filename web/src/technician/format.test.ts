import { expect, test } from 'vitest'
import { vi } from '../shared/i18n/vi'
import { age, kilobits, milliseconds, percent } from './format'

test('figures read as a technician says them', () => {
  expect(milliseconds(0.0314)).toBe('31 ms')
  expect(percent(0.0123, 'vi-VN')).toBe('1,2%')
  expect(percent(0, 'vi-VN')).toBe('0%')
  expect(percent(0.25, 'en-GB')).toBe('25%')
  expect(kilobits(1_234_567, 'en-GB')).toBe('1,235 kb/s')
})

test('what is not known is a dash, and never zero', () => {
  expect([milliseconds(null), percent(null, 'vi-VN'), kilobits(undefined, 'vi-VN')]).toEqual([
    '–',
    '–',
    '–',
  ])
  expect(age(null, vi)).toBe('chưa có')
})

test('ages', () => {
  expect(age(0.3, vi)).toBe('vừa xong')
  expect(age(12, vi)).toBe('12 giây trước')
})
