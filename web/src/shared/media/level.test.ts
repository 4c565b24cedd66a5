import { expect, test } from 'vitest'
import { levelOf } from './level'

test('levels follow the decibel scale', () => {
  expect(levelOf(0)).toBe(0)
  expect(levelOf(0.0001)).toBe(0)
  expect(levelOf(1)).toBe(1)
  expect(levelOf(0.0224)).toBeCloseTo(0.5, 1)
})
