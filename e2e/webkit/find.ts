/** Elements as people and screen readers know them: by the role and the name that WebKit gives. */
import { By, error, type WebDriver, type WebElement } from 'selenium-webdriver'

/** Which elements may have a role, so that not all of a page has to be asked. */
const CANDIDATES = {
  alert: '[role=alert]',
  button: 'button',
  checkbox: 'input[type=checkbox]',
  dialog: 'dialog',
  heading: 'h1, h2',
  link: 'a[href]',
  listitem: 'li',
  region: 'section, [role=region]',
  searchbox: 'input[type=search]',
  status: '[role=status]',
  textbox: 'input',
}

export type Role = keyof typeof CANDIDATES

/** Milliseconds for which something is waited for. */
const PATIENCE = 15_000

const fits = (text: string, name: string | RegExp): boolean =>
  typeof name === 'string' ? text === name : name.test(text)

async function isThat(element: WebElement, role: Role, name?: string | RegExp): Promise<boolean> {
  if (!(await element.isDisplayed())) return false
  if ((await element.getAriaRole()) !== role) return false
  return name === undefined || fits(await element.getAccessibleName(), name)
}

/** What makes an element one that is not there, for now. */
const isGone = (reason: unknown): boolean => reason instanceof error.StaleElementReferenceError

/** The first such element that is shown now. @param scope the page, or a part of it */
export async function seen(
  scope: WebDriver | WebElement,
  role: Role,
  name?: string | RegExp,
): Promise<WebElement | null> {
  try {
    for (const element of await scope.findElements(By.css(CANDIDATES[role]))) {
      if (await isThat(element, role, name)) return element
    }
  } catch (reason) {
    if (!isGone(reason)) throw reason
  }
  return null
}

/**
 * Waits for an element.
 * @param name all of its accessible name, or what is in it
 * @throws Error when it does not appear
 */
export async function find(
  driver: WebDriver,
  role: Role,
  name?: string | RegExp,
): Promise<WebElement> {
  const wanted = `${role} ${name === undefined ? '' : String(name)}`
  const found = await driver.wait(() => seen(driver, role, name), PATIENCE, `There is no ${wanted}`)
  if (found === null) throw new Error(`There is no ${wanted}.`)
  return found
}

export const press = async (driver: WebDriver, name: string | RegExp): Promise<void> =>
  (await find(driver, 'button', name)).click()

/** Types into a field in place of what is there. */
export async function fill(driver: WebDriver, name: string, text: string): Promise<void> {
  const field = await find(driver, 'textbox', name)
  await field.clear()
  await field.sendKeys(text)
}

/**
 * What all of a page reads. Not by WebDriver's getText: to that, WebKit's driver takes a line with
 * `overflow: hidden` in a sticky bar for hidden.
 */
export const textOf = (driver: WebDriver): Promise<string> =>
  driver.executeScript('return document.body.innerText')
