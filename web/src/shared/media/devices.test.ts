import { beforeEach, describe, expect, test } from 'vitest'
import { FakeDevices, permissionsThatAre } from '../../../test/devices'
import { listDevices, openDevices, permissionPersists, pictureFor } from './devices'

describe('devices', () => {
  const choice = { camera: 'default', microphone: 'default' }
  let devices: FakeDevices

  beforeEach(() => {
    devices = new FakeDevices()
  })

  test('are asked for together, so that people are asked once', async () => {
    const opened = await openDevices(devices, choice)
    expect(devices.asked).toHaveLength(1)
    expect(opened.camera?.kind).toBe('video')
    expect(opened.microphone?.kind).toBe('audio')
    expect(opened.problems).toEqual({})
  })

  test('a missing camera does not cost the microphone', async () => {
    devices.refusals = { video: 'NotFoundError' }
    const opened = await openDevices(devices, choice)
    expect(opened.camera).toBeNull()
    expect(opened.microphone?.kind).toBe('audio')
    expect(opened.problems).toEqual({ camera: 'missing' })
  })

  test.each([
    ['NotAllowedError', 'denied'],
    ['NotFoundError', 'missing'],
    ['NotReadableError', 'busy'],
    ['SecurityError', 'insecure'],
    ['SomethingElse', 'unknown'],
  ])('%s means %s', async (name, problem) => {
    devices.refusals = { audio: name, video: name }
    const opened = await openDevices(devices, choice)
    expect(opened.problems).toEqual({ camera: problem, microphone: problem })
  })

  test('a camera that does not start at full size is asked for a small picture', async () => {
    devices.refusals = { video: 'NotReadableError' }
    devices.smallOnly = true
    const opened = await openDevices(devices, { camera: 'default', microphone: 'none' }, 8)
    expect(opened.camera?.kind).toBe('video')
    expect(opened.problems).toEqual({})
    const heights = devices.asked.map(({ video }) => (video as MediaTrackConstraints).height)
    expect(heights).toEqual([{ ideal: 720 }, { ideal: 360 }])
  })

  test('a small machine is spared the large picture', () => {
    expect(pictureFor(2).height).toBe(360)
    expect(pictureFor(4).height).toBe(720)
    expect(pictureFor(undefined).height).toBe(720)
  })

  test('chosen as none are never opened', async () => {
    const opened = await openDevices(devices, { camera: 'none', microphone: 'none' })
    expect(devices.asked).toEqual([])
    expect(opened).toEqual({ camera: null, microphone: null, problems: {} })
  })

  test('without a secure page there are none', async () => {
    const opened = await openDevices(undefined, { camera: 'default', microphone: 'none' })
    expect(opened.problems).toEqual({ camera: 'insecure' })
    expect(await listDevices(undefined)).toEqual({ cameras: [], microphones: [] })
  })

  test('one that is remembered but gone is replaced by another', async () => {
    devices.refusals = { video: 'OverconstrainedError' }
    const only = { camera: 'old', microphone: 'none' }
    await openDevices(devices, only)
    const asked = devices.asked.map(({ video }) => (video as MediaTrackConstraints).deviceId)
    expect(asked).toEqual([{ exact: 'old' }, { ideal: 'old' }])
  })
})

describe('a permission that persists', () => {
  const choice = { camera: 'default', microphone: 'default' }
  const nothing = { camera: 'none', microphone: 'none' }

  test('is granted, or was for named devices where the browser does not tell', async () => {
    const devices = new FakeDevices()
    expect(await permissionPersists(choice, permissionsThatAre('granted'), devices)).toBe(true)
    expect(await permissionPersists(choice, undefined, devices)).toBe(true)
    devices.infos = devices.infos.map((info) => ({ ...info, label: '' }))
    expect(await permissionPersists(choice, undefined, devices)).toBe(false)
  })

  test('is not one that the browser would ask about', async () => {
    const devices = new FakeDevices()
    expect(await permissionPersists(choice, permissionsThatAre('prompt'), devices)).toBe(false)
    expect(await permissionPersists(choice, permissionsThatAre('denied'), devices)).toBe(false)
  })

  test('is not needed for nothing', async () => {
    expect(await permissionPersists(nothing, undefined, undefined)).toBe(true)
  })
})
