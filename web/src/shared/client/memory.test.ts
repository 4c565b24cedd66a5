import { expect, test } from 'vitest'
import { Memory } from './memory'

const choice = { camera: 'cam', microphone: 'none' }

function store(): Pick<Storage, 'getItem' | 'setItem'> {
  const items = new Map<string, string>()
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
  }
}

test('keeps the choice for this seat only', () => {
  const items = store()
  new Memory('c1', '48', items).write({ joined: true, choice })
  expect(new Memory('c1', '48', items).read()).toEqual({ joined: true, choice })
  expect(new Memory('c1', '01', items).read().joined).toBe(false)
  expect(new Memory('c2', '48', items).read().joined).toBe(false)
})

test.each(['{', '{"joined":1}', '{"joined":true}', 'null', '[]'])('%s is forgotten', (text) => {
  const memory = new Memory('c1', '48', { getItem: () => text, setItem: () => {} })
  expect(memory.read()).toEqual({
    joined: false,
    choice: { camera: 'default', microphone: 'default' },
  })
})

test('a forbidden storage is no fault', () => {
  const forbidden = {
    getItem: () => {
      throw new DOMException('no', 'SecurityError')
    },
    setItem: () => {
      throw new DOMException('no', 'QuotaExceededError')
    },
  }
  const memory = new Memory('c1', '48', forbidden)
  memory.write({ joined: true, choice })
  expect(memory.read().joined).toBe(false)
})
