/** Plugins in a configuration: how they are named, and their options, which the compiler checks where it knows them. */
import type { OptionDeclarations, OptionValues, Permissions } from "@karuntime/sdk";

/**
 * The options of plugins by what stands in `plugin:`, a file's path or a package's name. `karuntime types` writes them into
 * `karuntime-env.d.ts`; a plugin that is not here may have any options, and `karuntime validate` checks them.
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- others add to it
export interface PluginOptions {}

/** What `plugin` may be: any text, of which editors offer those that are in `PluginOptions`. */
export type PluginName = keyof PluginOptions | (string & {});

/**
 * Names a plugin, sets its options, and says what it may do: `{ plugin, options, grant }`. The options are those that
 * `PluginOptions` has for the plugin, and need not be there when each has a default; of any other plugin, of which `Others` are
 * the names, they may be anything.
 */
export type UserPlugin<Others extends string = string> = {
  // Where the compiler finds the names of others.
  readonly plugin: keyof PluginOptions | Others;
} & (KnownPlugin[keyof PluginOptions] | OtherPlugin<Others>);

type KnownPlugin = {
  [Name in keyof PluginOptions]: PluginUse<Name> & OptionsProperty<PluginOptions[Name]>;
};

type OtherPlugin<Name extends string> = Name extends keyof PluginOptions
  ? never
  : PluginUse<Name> & OptionsProperty<Readonly<Record<string, unknown>>>;

/** What is said of every plugin. */
interface PluginUse<Name extends string> {
  /** The plugin's file, relative to the configuration file, beginning with "./" or "/"; or the name of a package. */
  readonly plugin: Name;
  /** What it may do, at least what it asks for. A package has it here; a file of your own is granted what it asks for. */
  readonly grant?: Permissions;
}

/** Where the plugin has an option without a default, options must be there. */
type OptionsProperty<Options> =
  Partial<Options> extends Options
    ? {
        /** Values for the options that the plugin declares. */
        readonly options?: Options;
      }
    : {
        /** Values for the options that the plugin declares. */
        readonly options: Options;
      };

/** What stands beside plugins in a list: the compiler tells them apart by this, and finds the very option that is wrong. */
export interface NoPlugin {
  /** Not there. */
  readonly plugin?: never;
}

/** What a configuration may set, of a plugin that is made by `defineCheck`, `defineChecker` or `defineNotifier`. */
export type OptionsOf<Plugin> = Plugin extends {
  readonly options?: infer Declarations extends OptionDeclarations;
}
  ? GivenOptions<Declarations>
  : never;

type GivenOptions<Declarations extends OptionDeclarations> = string extends keyof Declarations
  ? Readonly<Record<string, unknown>>
  : keyof Declarations extends never
    ? Readonly<Record<string, never>>
    : Flat<
        Omit<OptionValues<Declarations>, WithDefault<Declarations>> &
          Partial<Pick<OptionValues<Declarations>, WithDefault<Declarations>>>
      >;

type WithDefault<Declarations extends OptionDeclarations> = {
  [Name in keyof Declarations]: Declarations[Name] extends { readonly default: unknown }
    ? Name
    : never;
}[keyof Declarations];

/** As one object type, which messages can show. */
type Flat<Type> = { readonly [Name in keyof Type]: Type[Name] };

/** Options with what is said of them elsewhere, unless that speaks of an option that is no more. */
export type Described<Options, Descriptions> = keyof Descriptions extends keyof Options
  ? Options & Descriptions
  : Options;
