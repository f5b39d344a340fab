"""The files by which the kernel and the system of three machines describe them."""

CPU = 'sys/devices/system/cpu/cpu0/cpufreq'

NANO = {
    'proc/cpuinfo': ''.join(
        f'processor\t: {core}\nmodel name\t: ARMv8 Processor rev 1 (v8l)\nBogoMIPS\t: 38.40\n'
        'CPU implementer\t: 0x41\nCPU part\t: 0xd07\n\n' for core in range(4)),
    'proc/self/status': 'Name:\tcat\nCpus_allowed:\tf\nCpus_allowed_list:\t0-3\n',
    'proc/meminfo': ('MemTotal:        4051048 kB\nMemFree:         1904180 kB\n'
                     'MemAvailable:    2572364 kB\nSwapTotal:       2025520 kB\n'
                     'SwapFree:        2025520 kB\nHugePages_Total:       0\n'),
    'proc/swaps': ('Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n'
                   '/dev/zram0                              partition\t506380\t0\t5\n'
                   '/dev/zram1                              partition\t506380\t0\t5\n'
                   '/dev/zram2                              partition\t506380\t0\t5\n'
                   '/dev/zram3                              partition\t506380\t0\t5\n'),
    'proc/device-tree/model': 'NVIDIA Jetson Nano Developer Kit\0',
    'proc/sys/kernel/osrelease': '4.9.253-tegra\n',
    'etc/os-release': ('NAME="Ubuntu"\nVERSION="18.04.6 LTS (Bionic Beaver)"\nID=ubuntu\n'
                       'PRETTY_NAME="Ubuntu 18.04.6 LTS"\n'),
    'etc/nv_tegra_release': ('# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref, '
                             'EABI: aarch64, DATE: Sat Feb 19 17:05:08 UTC 2022\n'),
    'etc/nvpmodel.conf': ('# POWER_MODEL definition\n'
                          '< POWER_MODEL ID=0 NAME=MAXN >\nCPU_ONLINE CORE_0 1\n'
                          '< POWER_MODEL ID=1 NAME=5W >\nCPU_ONLINE CORE_2 0\n'
                          '< PM_CONFIG DEFAULT=0 >\n'),
    'var/lib/nvpmodel/status': 'pmode:0000\n',
    f'{CPU}/scaling_cur_freq': '1224000\n',
    f'{CPU}/cpuinfo_max_freq': '1479000\n',
    'sys/class/devfreq/57000000.gpu/cur_freq': '76800000\n',
    'sys/class/devfreq/57000000.gpu/max_freq': '921600000\n',
    'sys/class/devfreq/57000000.gpu/available_frequencies':
        '76800000 153600000 230400000 614400000 768000000 844800000 921600000\n',
}

JETPACK_6 = {
    'proc/cpuinfo': ''.join(
        f'processor\t: {core}\nBogoMIPS\t: 62.50\nCPU implementer\t: 0x41\nCPU part\t: 0xd42\n\n'
        for core in range(6)),
    'proc/self/status': 'Name:\tcat\nCpus_allowed:\t3f\nCpus_allowed_list:\t0-5\n',
    'proc/meminfo': ('MemTotal:        7802128 kB\nMemFree:         3100000 kB\n'
                     'MemAvailable:    5400000 kB\nSwapTotal:       3901056 kB\n'),
    'proc/swaps': ('Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n'
                   '/swapfile                               file\t\t3901056\t0\t-2\n'),
    'proc/device-tree/model':
        'NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super\0',
    'proc/sys/kernel/osrelease': '5.15.148-tegra\n',
    'etc/os-release': 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nNAME="Ubuntu"\n',
    'etc/nv_tegra_release': ('# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, '
                             'EABI: aarch64, DATE: Wed Jan  8 01:49:37 UTC 2025\n'
                             '# KERNEL_VARIANT: oot\nTARGET_USERSPACE_LIB_DIR=nvidia\n'),
    'etc/nvpmodel.conf': ('< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=1 NAME=25W >\n'
                          '< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n< PM_CONFIG DEFAULT=1 >\n'),
    'var/lib/nvpmodel/status': 'pmode:0001\n',
    f'{CPU}/scaling_cur_freq': '1344000\n',
    f'{CPU}/cpuinfo_max_freq': '1728000\n',
    'sys/class/devfreq/17000000.gpu/cur_freq': '306000000\n',
    'sys/class/devfreq/17000000.gpu/max_freq': '918000000\n',
    'sys/class/devfreq/17000000.gpu/available_frequencies': '306000000 612000000 1020000000\n',
    'sys/class/devfreq/15340000.vic/cur_freq': '115200000\n',
}

PC = {
    'proc/cpuinfo': ''.join(
        f'processor\t: {core}\nvendor_id\t: AuthenticAMD\nmodel\t\t: 33\n'
        'model name\t: AMD Ryzen 7 5800X 8-Core Processor\ncpu MHz\t\t: 3800.212\n\n'
        for core in range(16)),
    'proc/self/status': 'Name:\tcat\nCpus_allowed_list:\t0,4-5\n',
    'proc/meminfo': ('MemTotal:       32795612 kB\nMemFree:        20480000 kB\n'
                     'MemAvailable:   28672000 kB\nSwapTotal:             0 kB\n'),
    'proc/sys/kernel/osrelease': '6.8.0-45-generic\n',
    'etc/os-release': 'PRETTY_NAME="Ubuntu 24.04.1 LTS"\nNAME="Ubuntu"\n',
}


def grow(folder, files):
    """Write a tree of files; give the folder as text."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(folder)
