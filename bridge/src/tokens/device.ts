import Bowser from 'bowser'

/**
 * What a person calls the device that a request came from: "Firefox on Windows".
 * @param userAgent as the browser says, which may be anything
 */
export function deviceLabel(userAgent: string): string {
  const { browser, os } = Bowser.parse(userAgent.slice(0, 500) || ' ')
  const label = [browser.name, os.name].filter((part) => part !== undefined && part !== '')
  return label.length > 0 ? label.join(' on ') : 'Unknown device'
}
