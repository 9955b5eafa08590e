export const note = (text: string) => console.error(text);
