import { expect, test } from 'vitest'
import { clockTime, duration, longDate, runningTime, shortAge, shortTime } from './time'

const start = 1_590_714_000 // 29 May 2020, 08:00 in Hà Nội

test('are Việt Nam’s, wherever the browser is', () => {
  expect(clockTime(start + 5, 'vi-VN')).toBe('08:00:05')
  expect(shortTime(start, 'en-GB')).toBe('08:00')
  expect(longDate(start, 'vi-VN')).toContain('29 tháng 5')
  expect(longDate(start, 'en-GB')).toContain('29 May 2020')
})

test('midnight is 00, not 24', () => {
  expect(clockTime(start + 16 * 3_600, 'vi-VN')).toBe('00:00:00')
})

test('durations count on past a day and never go below zero', () => {
  expect(duration(3_725.9)).toBe('1:02:05')
  expect(duration(90_000)).toBe('25:00:00')
  expect(duration(-3)).toBe('0:00:00')
})

test('ages are short', () => {
  const units = { s: 's', min: 'min', h: 'h' }
  expect([0.4, 59, 61, 3_599, 3_600, 7_300].map((age) => shortAge(age, units))).toEqual([
    '0 s',
    '59 s',
    '1 min',
    '59 min',
    '1 h 0 min',
    '2 h 1 min',
  ])
})

test('a running time has no hours before there are any', () => {
  expect([5, 125, 3_725].map(runningTime)).toEqual(['0:05', '2:05', '1:02:05'])
})
