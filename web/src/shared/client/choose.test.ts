import { expect, test } from 'vitest'
import { chooseConference } from './choose'

const summary = (conference: string, phase: 'live' | 'ended') => ({
  conference,
  title: '',
  title_en: '',
  phase,
  starts_at: 0,
  sites: 1,
})
const list = [summary('c3', 'ended'), summary('c2', 'live'), summary('c1', 'live')]

test('takes the one asked for, also when it has ended', () => {
  expect(chooseConference(list, 'c3')).toBe('c3')
})

test('else the newest that has not ended', () => {
  expect(chooseConference(list, null)).toBe('c2')
  expect(chooseConference(list, 'unknown')).toBe('c2')
})

test('else the newest of all, or none', () => {
  expect(chooseConference([summary('c3', 'ended')], null)).toBe('c3')
  expect(chooseConference([], 'c1')).toBeNull()
})
