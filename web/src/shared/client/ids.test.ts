import { expect, test } from 'vitest'
import { randomId } from './ids'

test('random ids fit the protocol and differ', () => {
  expect(randomId()).toMatch(/^[A-Za-z0-9_-]{22}$/)
  expect(randomId()).not.toBe(randomId())
})
