import { expect, test } from 'vitest'
import { matches, plain, sameScene, sceneOf, toggled, withSlides } from './scene'

test('one site is a single picture, several are a grid, none is no scene', () => {
  expect(sceneOf(['48'])).toEqual({ layout: 'single', seats: ['48'], slides: null })
  expect(sceneOf(['48', '01'])).toEqual({ layout: 'grid', seats: ['48', '01'], slides: null })
  expect(sceneOf([])).toBeNull()
  expect(sceneOf([], '48')).toBeNull()
})

test('a site is added, and taken out again', () => {
  const one = toggled(null, '48')
  expect(one).toEqual(sceneOf(['48']))
  const two = toggled(sceneOf(['48']), '01')
  expect(two).toEqual(sceneOf(['48', '01']))
  expect(toggled(sceneOf(['48', '01']), '48')).toEqual(sceneOf(['01']))
  expect(toggled(sceneOf(['48']), '48')).toBeNull()
})

test('a fifth picture finds the scene full', () => {
  const four = sceneOf(['01', '02', '04', '06'])
  expect(toggled(four, '48')).toBe('full')
  expect(toggled(four, '06')).toEqual(sceneOf(['01', '02', '04']))
  expect(withSlides(four, '01')).toBe('full')
  expect(toggled(sceneOf(['01', '02', '04'], '01'), '48')).toBe('full')
})

test('slides come with their site, or beside the sites that are there', () => {
  expect(withSlides(null, '48')).toEqual(sceneOf(['48'], '48'))
  expect(withSlides(sceneOf(['01']), '48')).toEqual(sceneOf(['48'], '48'))
  expect(withSlides(sceneOf(['01', '48']), '48')).toEqual(sceneOf(['01', '48'], '48'))
  expect(withSlides(sceneOf(['01']), '48', true)).toEqual(sceneOf(['01'], '48'))
  expect(withSlides(null, '48', true)).toEqual(sceneOf(['48'], '48'))
  expect(withSlides(sceneOf(['48'], '48'), '48')).toEqual(sceneOf(['48']))
})

test('sites come and go beside slides', () => {
  expect(toggled(sceneOf(['48'], '48'), '01')).toEqual(sceneOf(['48', '01'], '48'))
  expect(toggled(sceneOf(['48', '01'], '48'), '48')).toEqual(sceneOf(['01'], '48'))
})

test('scenes are equal by layout, order and slides', () => {
  expect(sameScene(sceneOf(['01', '02']), sceneOf(['01', '02']))).toBe(true)
  expect(sameScene(sceneOf(['01', '02']), sceneOf(['02', '01']))).toBe(false)
  expect(sameScene(sceneOf(['01'], '01'), sceneOf(['01']))).toBe(false)
  expect(sameScene(null, null)).toBe(true)
  expect(sameScene(null, sceneOf(['01']))).toBe(false)
})

test('names are found without their marks, codes by their beginning', () => {
  const seat = { site: '48', name: 'Đà Nẵng' }
  for (const query of ['', ' ', '4', '48', 'da', 'DA NANG', 'đà nẵng', 'nẵng']) {
    expect(matches(seat, query), query).toBe(true)
  }
  for (const query of ['8', '49', 'hue']) expect(matches(seat, query), query).toBe(false)
  expect(plain('Thừa Thiên Huế')).toBe('thua thien hue')
})
