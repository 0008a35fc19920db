/** The function that the chat route offers to the model. The weather is made up; the call is real. */

/** Answers a call of `get_current_weather` with JSON; its arguments come from the model and may be anything. */
export function describeWeather(callArguments: string): string {
  const { location, unit } = readArguments(callArguments)
  const celsius = 8 + (location.length % 17)
  const temperature = unit === 'fahrenheit' ? Math.round(celsius * 1.8 + 32) : celsius
  return JSON.stringify({ location, temperature, unit, conditions: 'light rain' })
}

function readArguments(callArguments: string): { location: string; unit: string } {
  try {
    const parsed: { location?: unknown; unit?: unknown } = JSON.parse(callArguments)
    return {
      location: typeof parsed.location === 'string' ? parsed.location : 'nowhere',
      unit: parsed.unit === 'fahrenheit' ? 'fahrenheit' : 'celsius',
    }
  } catch {
    return { location: 'nowhere', unit: 'celsius' }
  }
}
