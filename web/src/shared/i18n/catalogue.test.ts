import { afterEach, expect, test } from 'vitest'
import { ERRORS } from '../wire/types.gen'
import { en } from './en'
import { language, t } from './index'
import { vi } from './vi'

type Leaf = { path: string; text: string }

/** Every text with its place; functions are called with a number or a name. */
function leaves(value: unknown, path = ''): Leaf[] {
  if (typeof value === 'string') return [{ path, text: value }]
  if (typeof value === 'function') {
    const texts = value as (...values: unknown[]) => string
    return [{ path: `${path}()`, text: texts(3, 64) }]
  }
  return Object.entries(value as object).flatMap(([key, inner]) => leaves(inner, `${path}.${key}`))
}

const vietnamese = leaves(vi)
const english = leaves(en)

afterEach(() => {
  language.value = 'vi'
})

test('both languages have the same texts, and none is empty', () => {
  expect(english.map(({ path }) => path)).toEqual(vietnamese.map(({ path }) => path))
  for (const { path, text } of [...vietnamese, ...english]) {
    expect(text.trim(), path).not.toBe('')
  }
})

test('every error code has its sentence', () => {
  for (const code of Object.keys(ERRORS)) {
    expect(
      vietnamese.some(({ path }) => path === `.errors.${code}`),
      code,
    ).toBe(true)
  }
})

test('no English sentence was left in Vietnamese, nor the other way round', () => {
  const same = vietnamese.filter(({ text }, index) => text === english[index]?.text)
  const allowed =
    /^(DiemCau|REC|Camera( \d)?|Tiếng Việt|English|Enter|M|(Shift \+ )?S|Esc|Enter, Space|\/|← ↑ → ↓)$/
  expect(same.filter(({ text }) => !allowed.test(text))).toEqual([])
  const marked = /[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]/i
  expect(english.filter(({ text }) => marked.test(text)).map(({ text }) => text)).toEqual([
    'Tiếng Việt',
  ])
})

test('the mission’s words stand as they were agreed', () => {
  expect(vi.tally.on_air).toBe('ĐANG LÊN SÓNG')
  expect(vi.tally.next).toBe('Chuẩn bị phát biểu')
  expect(vi.tally.listening).toBe('Đang nghe')
  expect(vi.operator.program).toBe('Đang phát')
  expect(vi.operator.preview).toBe('Chuẩn bị')
  expect(vi.operator.take).toBe('LÊN SÓNG')
})

test('choosing a language changes texts, page language and memory', () => {
  language.value = 'en'
  expect(t.value.common.close).toBe('Close')
  expect(document.documentElement.lang).toBe('en')
  expect(localStorage.getItem('diemcau.language')).toBe('en')
  language.value = 'vi'
  expect(t.value.common.close).toBe('Đóng')
  expect(document.documentElement.lang).toBe('vi')
})

const sources = import.meta.glob<string>('/src/**/*.{ts,tsx}', {
  query: '?raw',
  import: 'default',
  eager: true,
})

test('no text for people stands outside the catalogue', () => {
  const pages = Object.entries(sources).filter(
    ([path]) => !path.includes('/i18n/') && !path.includes('.test.') && !path.includes('.gen.'),
  )
  expect(pages.length).toBeGreaterThan(30)
  for (const [path, text] of pages) {
    const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '')
    expect(code.match(/[ạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹđươ]/i), path).toBeNull()
    const words = [...code.matchAll(/>\s*([A-Za-z][A-Za-z ,.]+[a-z])\s*<\//g)].map(
      ([, text]) => text,
    )
    expect(words, path).toEqual([])
    const labels = code.match(/(aria-label|title|placeholder)="[^"]+"/g)
    expect(labels, path).toBeNull()
  }
})
