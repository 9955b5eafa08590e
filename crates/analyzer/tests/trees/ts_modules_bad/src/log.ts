export const note = (text: string) => console.log(text); // FINDING IO-001
