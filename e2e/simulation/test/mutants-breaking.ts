/** Breaks a class of the product from outside, for a while. */

/** Puts everything back. */
export type Mend = () => void;

type MethodName<Part> = {
  [Name in keyof Part]: Part[Name] extends (...args: never[]) => unknown ? Name : never;
}[keyof Part];

/** A method of one object, which takes whoever it is called on as its first argument. */
type Unbound<Part, Name extends keyof Part> = Part[Name] extends (...args: infer Args) => infer Result
  ? (self: Part, ...args: Args) => Result
  : never;

/** Every object of the class has another method from now on, made from what the method is. */
export function breakMethod<Part extends object, Name extends MethodName<Part> & string>(
  { prototype }: { readonly prototype: Part },
  name: Name,
  make: (original: Unbound<Part, Name>) => Unbound<Part, Name>,
): Mend {
  const before = Object.getOwnPropertyDescriptor(prototype, name);
  if (typeof before?.value !== "function") throw new Error(`there is no method ${name} to break`);
  const original = before.value as (...args: unknown[]) => unknown;
  const broken = make(((self: Part, ...args: unknown[]) => original.apply(self, args)) as Unbound<Part, Name>);
  const value = function (this: Part, ...args: unknown[]): unknown {
    return (broken as (self: Part, ...args: unknown[]) => unknown)(this, ...args);
  };
  Object.defineProperty(prototype, name, { ...before, value });
  return () => Object.defineProperty(prototype, name, before);
}

/** The same for what objects of the class say of themselves. */
export function breakGetter<Part extends object, Name extends keyof Part & string>(
  { prototype }: { readonly prototype: Part },
  name: Name,
  make: (original: (self: Part) => Part[Name]) => (self: Part) => Part[Name],
): Mend {
  const before = Object.getOwnPropertyDescriptor(prototype, name);
  if (before === undefined || !("get" in before)) throw new Error(`there is no getter ${name} to break`);
  const whole: object = Object.defineProperty({}, name, before);
  const broken = make((self): Part[Name] => Reflect.get(whole, name, self));
  const get = function (this: Part): Part[Name] {
    return broken(this);
  };
  Object.defineProperty(prototype, name, { ...before, get });
  return () => Object.defineProperty(prototype, name, before);
}
