/** The function that both ways offer to the model. The weather is made up; the call is real. */

export const WEATHER_TOOL = 'get_current_weather'
export const WEATHER_DESCRIPTION = 'Get the current weather in a given place'

/** The arguments of the function as JSON Schema. */
export const WEATHER_PARAMETERS = {
  type: 'object' as const,
  properties: {
    location: { type: 'string' as const, description: 'The city and country, e.g. London, UK' },
    unit: { type: 'string' as const, enum: ['celsius', 'fahrenheit'] },
  },
  required: ['location'],
}

export type Weather = { location: string; temperature: number; unit: string; conditions: string }

const CONDITIONS = ['light rain', 'clear sky', 'scattered clouds', 'a fresh breeze', 'morning fog']

/** Answers a call; its arguments come from a model and may be anything. */
export function currentWeather(given: unknown): Weather {
  const { location, unit } = readArguments(given)
  const celsius = 8 + (location.length % 17)
  const temperature = unit === 'fahrenheit' ? Math.round(celsius * 1.8 + 32) : celsius
  return { location, temperature, unit, conditions: CONDITIONS[location.length % CONDITIONS.length] ?? '' }
}

function readArguments(given: unknown): { location: string; unit: string } {
  const fields: { location?: unknown; unit?: unknown } =
    typeof given === 'object' && given !== null ? given : {}
  return {
    location: typeof fields.location === 'string' ? fields.location : 'nowhere',
    unit: fields.unit === 'fahrenheit' ? 'fahrenheit' : 'celsius',
  }
}
