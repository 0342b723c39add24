"""The answer under many laws, and under many fits of one."""
