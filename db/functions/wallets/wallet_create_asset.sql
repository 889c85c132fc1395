create or replace function public.wallet_create_asset(
  p_code text,
  p_name text,
  p_scale smallint,
  p_signup_bonus bigint default 0
)
returns wallet.assets
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_asset wallet.assets;
begin
  perform wallet.require_trust();
  if p_code is null or p_code !~ '^[A-Z][A-Z0-9]{1,11}$' then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'code', 'reason', 'must be 2 to 12 of A-Z and 0-9, a letter first'));
  elsif p_name is null or p_name = '' then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'name', 'reason', 'must not be empty'));
  elsif p_scale is null or p_scale not between 0 and 18 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'scale', 'reason', 'must be between 0 and 18'));
  elsif p_signup_bonus is null or p_signup_bonus not between 0 and wallet.max_amount() then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'signup_bonus', 'reason', 'must be between 0 and 9007199254740991'));
  end if;

  insert into wallet.assets (code, name, scale, signup_bonus)
  values (p_code, p_name, p_scale, p_signup_bonus)
  on conflict on constraint assets_pkey do nothing;
  select a.* into strict v_asset
  from wallet.assets a
  where a.code = p_code;
  if v_asset.scale <> p_scale then
    perform wallet.raise_error('WA002', jsonb_build_object(
      'field', 'scale', 'reason', 'the asset exists with another scale, which never changes', 'scale', v_asset.scale
    ));
  end if;

  insert into wallet.wallets (id, asset, kind, purpose)
  select wallet.system_wallet_id(p_code, p.purpose), p_code, 'system', p.purpose
  from unnest(array['bonus', 'topup', 'spend', 'capture', 'refund', 'adjustment', 'transfer', 'received', 'returned']) p (purpose)
  on conflict on constraint wallets_asset_purpose_key do nothing;

  return v_asset;
end;
$$;

comment on function public.wallet_create_asset(text, text, smallint, bigint) is
$$ Creates an asset and its system wallets, or adds the system wallets that an existing one lacks.

p_scale        digits after the decimal point of one unit, 0 to 18; never changes afterwards
p_signup_bonus minor units that a new wallet in this asset is credited with

Returns the asset as stored; an existing one keeps its name and bonus. For administrators.
Errors: WA002 invalid argument, or an existing asset of another scale; WA035 administrators only. $$;
