#ifndef BOOTSTRAP_POWER_OFF_H
#define BOOTSTRAP_POWER_OFF_H

/*
 * power_off: the machine off, by every means in turn: systemd where it runs (then the caller
 * should end, for systemd to go on; the unit and the boot guard see to the rest), else
 * reboot(2) after a sync, else the kernel's sysrq. Returns where systemd took the order or all
 * has failed, which is logged. An EC2 instance whose InstanceInitiatedShutdownBehavior is
 * terminate is terminated by it.
 */
void power_off(void);

#endif
