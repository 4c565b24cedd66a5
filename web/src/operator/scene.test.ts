import { expect, test } from 'vitest'
import { matches, plain, sameScene, sceneOf, toggled } from './scene'

test('one site is a single picture, several are a grid, none is no scene', () => {
  expect(sceneOf(['48'])).toEqual({ layout: 'single', seats: ['48'] })
  expect(sceneOf(['48', '01'])).toEqual({ layout: 'grid', seats: ['48', '01'] })
  expect(sceneOf([])).toBeNull()
})

test('a site is added, and taken out again', () => {
  const one = toggled(null, '48')
  expect(one).toEqual({ layout: 'single', seats: ['48'] })
  const two = toggled({ layout: 'single', seats: ['48'] }, '01')
  expect(two).toEqual({ layout: 'grid', seats: ['48', '01'] })
  expect(toggled({ layout: 'grid', seats: ['48', '01'] }, '48')).toEqual(sceneOf(['01']))
  expect(toggled({ layout: 'single', seats: ['48'] }, '48')).toBeNull()
})

test('a fifth site finds the picture full', () => {
  const four = sceneOf(['01', '02', '04', '06'])
  expect(toggled(four, '48')).toBe('full')
  expect(toggled(four, '06')).toEqual(sceneOf(['01', '02', '04']))
})

test('scenes are equal by layout and order', () => {
  expect(sameScene(sceneOf(['01', '02']), sceneOf(['01', '02']))).toBe(true)
  expect(sameScene(sceneOf(['01', '02']), sceneOf(['02', '01']))).toBe(false)
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
