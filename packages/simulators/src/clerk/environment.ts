/**
 * The instance's settings, as `/v1/environment` tells them to the components. Users sign up and in with email address
 * and password; no email is sent, so an address counts as verified at once and no code is asked for.
 */
import { MEMBERSHIPS_MAX } from './organization-resources.ts'
import { PASSWORD_LENGTH_MIN } from './passwords.ts'

type Attribute = { enabled?: boolean; required?: boolean; used_for_first_factor?: boolean }

/** The environment of an instance whose app is at `appUrl`; `billing` turns Clerk Billing on. */
export function environmentResource({ appUrl, billing }: { appUrl: string; billing: boolean }): object {
  return {
    id: 'env_simulated',
    object: 'environment',
    maintenance_mode: false,
    auth_config: {
      id: 'aac_simulated',
      object: 'auth_config',
      single_session_mode: true,
      claimed_at: null,
      reverification: false,
    },
    api_keys_settings: { user_api_keys_enabled: false, orgs_api_keys_enabled: false },
    commerce_settings: {
      billing: {
        // Only the simulated Stripe script ever sees it.
        stripe_publishable_key: billing ? 'pk_test_simulated' : null,
        organization: { enabled: billing, has_paid_plans: billing },
        user: { enabled: billing, has_paid_plans: billing },
      },
    },
    display_config: displayConfig(new URL(appUrl).origin),
    organization_settings: {
      enabled: true,
      max_allowed_memberships: MEMBERSHIPS_MAX,
      force_organization_selection: false,
      actions: { admin_delete: true },
      domains: { enabled: false, enrollment_modes: [], default_role: 'org:member' },
      slug: { disabled: false },
      organization_creation_defaults: { enabled: false },
    },
    user_settings: userSettings(),
    protect_config: { object: 'protect_config', id: 'pc_simulated' },
  }
}

function displayConfig(app: string): object {
  return {
    object: 'display_config',
    id: 'dc_simulated',
    instance_environment_type: 'development',
    application_name: 'Faregate',
    preferred_sign_in_strategy: 'password',
    sign_in_url: `${app}/sign-in`,
    sign_up_url: `${app}/sign-up`,
    home_url: app,
    after_sign_in_url: app,
    after_sign_up_url: app,
    after_sign_out_all_url: app,
    after_sign_out_one_url: app,
    after_switch_session_url: app,
    user_profile_url: app,
    organization_profile_url: app,
    create_organization_url: app,
    after_leave_organization_url: app,
    after_create_organization_url: app,
    branded: false,
    captcha_public_key: null,
    captcha_widget_type: null,
    captcha_public_key_invisible: null,
    captcha_provider: 'turnstile',
    captcha_oauth_bypass: [],
    logo_image_url: '',
    favicon_image_url: '',
    support_email: '',
    theme: { general: {}, buttons: {}, accounts: {} },
    show_devmode_warning: false,
    terms_url: '',
    privacy_policy_url: '',
    waitlist_url: '',
    after_join_waitlist_url: '',
  }
}

function userSettings(): object {
  return {
    attributes: {
      email_address: attribute({ enabled: true, required: true, used_for_first_factor: true }),
      phone_number: attribute(),
      username: attribute(),
      first_name: attribute({ enabled: true }),
      last_name: attribute({ enabled: true }),
      password: attribute({ enabled: true, required: true }),
      web3_wallet: attribute(),
      authenticator_app: attribute(),
      backup_code: attribute(),
      passkey: attribute(),
    },
    actions: { delete_self: true, create_organization: true },
    social: {},
    enterprise_sso: { enabled: false, self_serve_sso: false, self_serve_directory_sync: false },
    sign_in: { second_factor: { required: false, enabled: false } },
    sign_up: {
      allowlist_only: false,
      progressive: true,
      captcha_enabled: false,
      mode: 'public',
      legal_consent_enabled: false,
    },
    password_settings: {
      allowed_special_characters: '',
      disable_hibp: true,
      min_length: PASSWORD_LENGTH_MIN,
      max_length: 72,
      require_special_char: false,
      require_numbers: false,
      require_uppercase: false,
      require_lowercase: false,
      show_zxcvbn: false,
      min_zxcvbn_strength: 0,
    },
    passkey_settings: { allow_autofill: false, show_sign_in_button: false },
    username_settings: { min_length: 4, max_length: 64 },
  }
}

function attribute(settings: Attribute = {}): object {
  return {
    enabled: false,
    required: false,
    verifications: [],
    used_for_first_factor: false,
    first_factors: [],
    used_for_second_factor: false,
    second_factors: [],
    verify_at_sign_up: false,
    ...settings,
  }
}
